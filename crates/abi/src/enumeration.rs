//! Numbered and named things of the kernel, one row each.

/// Makes an enumeration of rows `Variant number "name";`, each optionally preceded by its doc.
///
/// Gives `ALL`, `new(number)`, `named(name)`, `number()` and `name()`.
macro_rules! enumeration {
    (
        $(#[$attribute:meta])* $type:ident
        $($(#[$doc:meta])* $variant:ident $number:literal $name:literal;)*
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum $type {
            $($(#[$doc])* $variant = $number,)*
        }

        impl $type {
            /// All of them, in the order of their numbers.
            pub const ALL: [Self; [$($number),*].len()] = [$(Self::$variant),*];

            /// The one with this number.
            pub fn new(number: u32) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.number() == number)
            }

            /// The one with this name: the kernel's constant in lower case, without its prefix.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.name() == name)
            }

            /// Its number.
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The kernel's constant in lower case, without its prefix.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl ::std::fmt::Display for $type {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
pub(crate) use enumeration;
