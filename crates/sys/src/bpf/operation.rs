//! The commands of `bpf(2)` and what each is called in a message.

use std::fmt;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $kernel:literal, $phrase:literal;)*) => {
        /// A command of `bpf(2)` (`enum bpf_cmd` in `linux/bpf.h`); the discriminant is its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum Operation { $($(#[$doc])* $name = $number,)* }

        impl Operation {
            /// All rows.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The kernel's name of the command, such as `BPF_MAP_CREATE`.
            pub fn kernel_name(self) -> &'static str {
                match self { $(Self::$name => $kernel,)* }
            }
        }

        impl fmt::Display for Operation {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $phrase,)* })
            }
        }
    };
}

operations! {
    /// Make a map.
    MapCreate = 0, "BPF_MAP_CREATE", "create map";
    /// Read a value.
    MapLookup = 1, "BPF_MAP_LOOKUP_ELEM", "look up in map";
    /// Write a value.
    MapUpdate = 2, "BPF_MAP_UPDATE_ELEM", "update map";
    /// Remove an entry.
    MapDelete = 3, "BPF_MAP_DELETE_ELEM", "delete from map";
    /// Step through the keys.
    MapNextKey = 4, "BPF_MAP_GET_NEXT_KEY", "list keys of map";
    /// Verify and load a program.
    ProgLoad = 5, "BPF_PROG_LOAD", "load program";
    /// Give an object a path.
    ObjPin = 6, "BPF_OBJ_PIN", "pin";
    /// Open an object by its path.
    ObjGet = 7, "BPF_OBJ_GET", "open pinned object";
    /// Run a program on given data.
    ProgTestRun = 10, "BPF_PROG_TEST_RUN", "test-run program";
    /// Step through the programs.
    ProgNextId = 11, "BPF_PROG_GET_NEXT_ID", "list programs after id";
    /// Step through the maps.
    MapNextId = 12, "BPF_MAP_GET_NEXT_ID", "list maps after id";
    /// Open a program by id.
    ProgById = 13, "BPF_PROG_GET_FD_BY_ID", "open program with id";
    /// Open a map by id.
    MapById = 14, "BPF_MAP_GET_FD_BY_ID", "open map with id";
    /// Describe an object.
    Info = 15, "BPF_OBJ_GET_INFO_BY_FD", "describe";
    /// Load type information.
    BtfLoad = 18, "BPF_BTF_LOAD", "load type information of";
    /// Read a value and remove it.
    MapTake = 21, "BPF_MAP_LOOKUP_AND_DELETE_ELEM", "take from map";
    /// Forbid further writes from user space.
    MapFreeze = 22, "BPF_MAP_FREEZE", "freeze map";
    /// Read many entries.
    MapLookupBatch = 24, "BPF_MAP_LOOKUP_BATCH", "read map";
    /// Read many entries and remove them.
    MapTakeBatch = 25, "BPF_MAP_LOOKUP_AND_DELETE_BATCH", "take from map";
    /// Write many entries.
    MapUpdateBatch = 26, "BPF_MAP_UPDATE_BATCH", "update map";
    /// Remove many entries.
    MapDeleteBatch = 27, "BPF_MAP_DELETE_BATCH", "delete from map";
    /// Attach.
    LinkCreate = 28, "BPF_LINK_CREATE", "attach";
    /// Replace the attached program.
    LinkUpdate = 29, "BPF_LINK_UPDATE", "replace the program of";
    /// Open a link by id.
    LinkById = 30, "BPF_LINK_GET_FD_BY_ID", "open link with id";
    /// Step through the links.
    LinkNextId = 31, "BPF_LINK_GET_NEXT_ID", "list links after id";
    /// Detach, though the link is still open or pinned.
    LinkDetach = 34, "BPF_LINK_DETACH", "detach";
}
