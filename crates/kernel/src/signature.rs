//! Describes a program's functions to the verifier, so that it can check global ones by themselves.
//!
//! A memory argument becomes a pointer to a structure of its size, which the verifier takes as a
//! promise that may be null. The context argument becomes a pointer to the structure that the program
//! type has by name.

use std::fmt;

use netloom_abi::{Arg, Function, Helper, Linkage, Program, ProgramType};
use netloom_btf::{BuildError, Builder, Field, FuncInfo, IntEncoding, Param, TypeId};
use netloom_isa::{Callee, Imm64, Insn};

/// Why a program's functions can not be described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureError {
    /// A function has more arguments than registers.
    TooManyArguments {
        /// The function.
        function: String,
        /// How many it has.
        count: usize,
    },
    /// A name or size does not fit the format.
    Build {
        /// What is wrong.
        source: BuildError,
    },
}

/// Type information with a record for each function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    /// A blob for `BPF_BTF_LOAD`.
    pub(crate) blob: Vec<u8>,
    /// The packed records.
    pub(crate) func_info: Vec<u8>,
}

/// Argument registers, `r1` to `r5`, by their names in messages of the verifier.
const ARGUMENTS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The description, or `None` for a program whose functions the verifier needs not know.
pub(crate) fn signature(program: &Program) -> Result<Option<Signature>, SignatureError> {
    if !is_needed(program) {
        return Ok(None);
    }
    let mut types = Types::new(program.kind);
    let mut records = Vec::new();
    for function in &program.functions {
        let type_id = types.function(function)?;
        records.push(FuncInfo { insn_off: function.pc.0, type_id });
    }
    let blob = types.builder.finish().map_err(|source| SignatureError::Build { source })?;
    Ok(Some(Signature { blob, func_info: FuncInfo::encode(&records) }))
}

/// Whether the verifier must know the functions: for global ones it asks their arguments, for those
/// whose address is taken their linkage, and tail calls and packet loads outside the entry function
/// want one that returns `int`.
fn is_needed(program: &Program) -> bool {
    let is_global = |function: &Function| function.linkage == Linkage::Global;
    let tail_call = Insn::Call(Callee::Helper(Helper::TailCall.id()));
    let is_asked = |insn: &Insn| {
        let is_address = matches!(insn, Insn::LoadImm64 { value: Imm64::Function(_), .. });
        is_address || *insn == tail_call || matches!(insn, Insn::LoadPacket { .. })
    };
    program.functions.iter().any(is_global)
        || program.functions.len() > 1 && program.insns.iter().any(is_asked)
}

/// The types under construction.
struct Types {
    builder: Builder,
    byte: TypeId,
    index: TypeId,
    scalar: TypeId,
    result: TypeId,
    context: TypeId,
}

impl Types {
    fn new(kind: ProgramType) -> Self {
        let mut builder = Builder::new();
        let byte = builder.int("unsigned char", 1, IntEncoding::Unsigned);
        let index = builder.int("unsigned int", 4, IntEncoding::Unsigned);
        let scalar = builder.int("unsigned long", 8, IntEncoding::Unsigned);
        let result = builder.int("int", 4, IntEncoding::Signed);
        let context = match kind.context() {
            // The verifier compares the name only.
            Some(name) => builder.structure(name, 0, &[]),
            None => TypeId::VOID,
        };
        let context = builder.ptr(context);
        Self { builder, byte, index, scalar, result, context }
    }

    fn function(&mut self, function: &Function) -> Result<TypeId, SignatureError> {
        if function.args.len() > ARGUMENTS.len() {
            let (function, count) = (function.name.clone(), function.args.len());
            return Err(SignatureError::TooManyArguments { function, count });
        }
        let types: Vec<TypeId> = function.args.iter().map(|&arg| self.argument(arg)).collect();
        let params: Vec<_> =
            ARGUMENTS.iter().zip(types).map(|(&name, type_id)| Param { name, type_id }).collect();
        let proto = self.builder.func_proto(self.result, &params);
        let linkage = match function.linkage {
            Linkage::Static => netloom_btf::Linkage::Static,
            Linkage::Global => netloom_btf::Linkage::Global,
        };
        Ok(self.builder.func(&function.name, proto, linkage))
    }

    fn argument(&mut self, arg: Arg) -> TypeId {
        match arg {
            Arg::Context => self.context,
            Arg::Scalar => self.scalar,
            Arg::Memory(bytes) => {
                let array = self.builder.array(self.byte, self.index, bytes);
                let fields = [Field::at_byte("bytes", array, 0)];
                let memory = self.builder.structure(&format!("memory_{bytes}"), bytes, &fields);
                self.builder.ptr(memory)
            }
        }
    }
}

impl fmt::Display for SignatureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyArguments { function, count } => {
                write!(f, "function {function} has {count} arguments, a function takes at most 5")
            }
            Self::Build { source } => write!(f, "cannot describe the functions: {source}"),
        }
    }
}

impl std::error::Error for SignatureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooManyArguments { .. } => None,
            Self::Build { source } => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use netloom_abi::AttachType;
    use netloom_btf::{Btf, Kind, Type};
    use netloom_isa::Pc;

    use super::*;

    fn program(functions: Vec<Function>) -> Program {
        Program {
            name: "p".to_owned(),
            kind: ProgramType::Netfilter,
            attach: AttachType::Netfilter,
            license: "GPL".to_owned(),
            insns: Vec::new(),
            functions,
            relocs: Vec::new(),
        }
    }

    fn function(name: &str, pc: u32, linkage: Linkage, args: Vec<Arg>) -> Function {
        Function { name: name.to_owned(), pc: Pc(pc), linkage, args }
    }

    #[test]
    fn static_functions_need_no_description() {
        let functions = vec![function("main", 0, Linkage::Static, vec![Arg::Context])];
        assert_eq!(signature(&program(functions)), Ok(None));
    }

    #[test]
    fn static_functions_that_end_early_are_described() {
        let functions = vec![
            function("main", 0, Linkage::Static, vec![]),
            function("inner", 5, Linkage::Static, vec![]),
        ];
        let tail_call = Insn::Call(Callee::Helper(Helper::TailCall.id()));
        let calling = Program { insns: vec![tail_call], ..program(functions.clone()) };
        assert!(signature(&calling).unwrap().is_some());
        let alone = Program { functions: functions[..1].to_vec(), ..calling };
        assert_eq!(signature(&alone), Ok(None));
    }

    #[test]
    fn each_function_has_a_record_and_its_argument_types() {
        let functions = vec![
            function("main", 0, Linkage::Static, vec![Arg::Context]),
            function("walk", 9, Linkage::Global, vec![Arg::Context, Arg::Memory(24), Arg::Scalar]),
        ];
        let made = signature(&program(functions)).unwrap().unwrap();
        let btf = Btf::parse(&made.blob).unwrap();
        let walk = btf.func("walk").unwrap();
        let records: Vec<u32> =
            made.func_info.as_chunks().0.iter().map(|&word| u32::from_ne_bytes(word)).collect();
        assert_eq!(records, [0, btf.func("main").unwrap().0, 9, walk.0]);

        let Some(Type::Func { proto, .. }) = btf.get(walk) else { panic!("a function") };
        let Some(Type::FuncProto(proto)) = btf.get(proto) else { panic!("a prototype") };
        let types: Vec<TypeId> = proto.params().map(|param| param.type_id).collect();
        let target = |id| match btf.get(id) {
            Some(Type::Ptr { target }) => target,
            other => panic!("{other:?}"),
        };
        assert_eq!(btf.name(target(types[0])), "bpf_nf_ctx");
        assert_eq!(btf.size_of(target(types[1])), Ok(24));
        assert_eq!(btf.kind(types[2]), Some(Kind::Int));
    }

    #[test]
    fn a_sixth_argument_is_refused() {
        let functions = vec![function("f", 0, Linkage::Global, vec![Arg::Scalar; 6])];
        let refused = SignatureError::TooManyArguments { function: "f".to_owned(), count: 6 };
        assert_eq!(signature(&program(functions)), Err(refused));
    }
}
