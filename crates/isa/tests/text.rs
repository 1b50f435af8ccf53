//! Text: what is printed parses to the same instruction, and spells as the foreign tools do.

mod random;
mod slots;

use arbtest::arbtest;
use netloom_isa::{
    Insn, ParseReason, Pc, Place, Syntax, assemble, assemble_with, decode, encode, listing,
};

fn one(source: &str) -> Insn {
    let assembly = assemble(source).unwrap_or_else(|errors| panic!("{source}: {}", errors[0]));
    assert_eq!(assembly.insns.len(), 1, "{source}");
    assembly.insns[0]
}

#[test]
fn lossless_syntaxes_parse_to_the_same_instruction() {
    arbtest(|u| {
        let insn = random::insn(u)?;
        for syntax in [Syntax::PseudoC, Syntax::Classic] {
            assert_eq!(one(&insn.text(syntax).to_string()), insn, "{}", insn.text(syntax));
        }
        Ok(())
    })
    .budget_ms(3_000);
}

#[test]
fn every_form_parses_from_what_it_prints() {
    let insns = slots::records().into_iter().filter_map(|record| decode(&record).ok()).flatten();
    let insns: Vec<Insn> = insns.collect();
    for syntax in [Syntax::PseudoC, Syntax::Classic] {
        let lines: Vec<String> = insns.iter().map(|insn| insn.text(syntax).to_string()).collect();
        let parsed = assemble(&lines.join("\n")).expect("parses").insns;
        assert_eq!(parsed.len(), insns.len());
        for ((line, parsed), insn) in lines.iter().zip(parsed).zip(&insns) {
            assert_eq!(parsed, *insn, "{line}");
        }
    }
}

#[test]
fn listings_parse_to_the_same_program() {
    arbtest(|u| {
        let mut insns = Vec::new();
        while !u.is_empty() && insns.len() < 32 {
            insns.push(random::insn(u)?);
        }
        for syntax in [Syntax::PseudoC, Syntax::Classic] {
            let text = listing(&insns, syntax).to_string();
            assert_eq!(assemble(&text).map(|assembly| assembly.insns), Ok(insns.clone()), "{text}");
        }
        Ok(())
    })
    .budget_ms(2_000);
}

#[test]
fn foreign_syntaxes_always_parse() {
    let objdump = |alu32, hex| Syntax::Objdump { alu32, hex };
    arbtest(|u| {
        let insn = random::insn(u)?;
        let kernel = format!("({:02x}) {}", encode(&[insn])[0], insn.text(Syntax::Kernel));
        let lossy = matches!(insn, Insn::LoadImm64 { .. } | Insn::Call(_));
        let parsed = one(&kernel);
        assert!(lossy || parsed == insn, "{kernel}: {parsed:?}");
        for syntax in [objdump(false, false), objdump(true, false), objdump(true, true)] {
            if !matches!(insn, Insn::AddrPercpu { .. }) {
                one(&insn.text(syntax).to_string());
            }
        }
        Ok(())
    })
    .budget_ms(2_000);
}

#[test]
fn random_text_never_panics() {
    const PIECES: [&str; 52] = [
        "r0",
        "w1",
        "%r2",
        "r10",
        "*(u32 *)",
        "(r1 + 4)",
        "=",
        "s>>=",
        "s>",
        "if",
        "goto",
        "+3",
        "label",
        "label:",
        "call",
        "#5",
        "lock",
        "ll",
        "0x10",
        "-1",
        "map",
        "[fd:3]",
        "subprog",
        "exit",
        "\n",
        ";",
        "lddw",
        "ldxw",
        "[%r1-4]",
        ",",
        "(",
        ")",
        "skb[",
        "]",
        "jeq32",
        "/*",
        "*/",
        "// é",
        "é",
        "xchg_64",
        "movsx832",
        "99999999999999999999",
        "1f",
        "1:",
        "2b",
        "\"text\"",
        "\"",
        ".section",
        ".text",
        ".byte",
        ".globl",
        "010",
    ];
    arbtest(|u| {
        let mut text = String::new();
        while !u.is_empty() && text.len() < 400 {
            text.push_str(u.choose(&PIECES)?);
            if u.arbitrary()? {
                text.push(' ');
            }
        }
        if let Ok(assembly) = assemble(&text) {
            assert_eq!(decode(&encode(&assembly.insns)), Ok(assembly.insns));
        }
        Ok(())
    })
    .budget_ms(3_000);
}

/// One instruction per row: pseudo-C, the kernel's log, mnemonics. The kernel's spellings are those
/// of `kernel/bpf/disasm.c`.
const SPELLINGS: &[[&str; 3]] = &[
    ["r1 += 5", "(07) r1 += 5", "add %r1, 5"],
    ["w1 s>>= w2", "(cc) w1 s>>= w2", "arsh32 %r1, %r2"],
    ["r1 s/= r2", "(3f) r1 s/= r2", "sdiv %r1, %r2"],
    ["w1 s%= -3", "(94) w1 s%= -3", "smod32 %r1, -3"],
    ["r1 = -1", "(b7) r1 = -1", "mov %r1, -1"],
    ["w1 = w2", "(bc) w1 = w2", "mov32 %r1, %r2"],
    ["r1 = (s8)r2", "(bf) r1 = (s8)r2", "movsx864 %r1, %r2"],
    ["r1 = (s32)r2", "(bf) r1 = (s32)r2", "movsx3264 %r1, %r2"],
    ["w1 = (s16)w2", "(bc) w1 = (s16)w2", "movsx1632 %r1, %r2"],
    ["w3 = -w3", "(84) w3 = -w3", "neg32 %r3"],
    ["r1 = be16 r1", "(dc) r1 = be16 r1", "be16 %r1"],
    ["r1 = le64 r1", "(d4) r1 = le64 r1", "le64 %r1"],
    ["r1 = bswap32 r1", "(d7) r1 = bswap32 r1", "swap32 %r1"],
    [
        "r1 = addr_space_cast(r2, 0, 1)",
        "(bf) r1 = addr_space_cast(r2, 0, 1)",
        "addr_space_cast %r1, %r2, 0, 1",
    ],
    ["r1 = &(void __percpu *)(r2)", "(bf) r1 = &(void __percpu *)(r2)", "addr_percpu %r1, %r2"],
    ["r1 = 0xffffffffffffffff ll", "(18) r1 = 0xffffffffffffffff", "lddw %r1, 0xffffffffffffffff"],
    ["r0 = *(u32 *)(r1 + 4)", "(61) r0 = *(u32 *)(r1 +4)", "ldxw %r0, [%r1+4]"],
    ["r0 = *(u64 *)(r10 - 8)", "(79) r0 = *(u64 *)(r10 -8)", "ldxdw %r0, [%r10-8]"],
    ["r0 = *(s16 *)(r1 + 0)", "(89) r0 = *(s16 *)(r1 +0)", "ldxsh %r0, [%r1]"],
    ["*(u8 *)(r1 + 4) = r2", "(73) *(u8 *)(r1 +4) = r2", "stxb [%r1+4], %r2"],
    ["*(u64 *)(r10 - 8) = -1", "(7a) *(u64 *)(r10 -8) = -1", "stdw [%r10-8], -1"],
    ["lock *(u64 *)(r1 + 0) += r2", "(db) lock *(u64 *)(r1 +0) += r2", "lock add [%r1], %r2"],
    ["lock *(u32 *)(r1 + 8) ^= w2", "(c3) lock *(u32 *)(r1 +8) ^= r2", "lock xor32 [%r1+8], %r2"],
    [
        "r2 = atomic_fetch_and((u64 *)(r1 + 8), r2)",
        "(db) r2 = atomic64_fetch_and((u64 *)(r1 +8), r2)",
        "lock fetch and [%r1+8], %r2",
    ],
    [
        "w2 = atomic_fetch_or((u32 *)(r1 + 8), w2)",
        "(c3) r2 = atomic_fetch_or((u32 *)(r1 +8), r2)",
        "lock fetch or32 [%r1+8], %r2",
    ],
    [
        "r2 = xchg_64(r1 - 8, r2)",
        "(db) r2 = atomic64_xchg((u64 *)(r1 -8), r2)",
        "lock xchg [%r1-8], %r2",
    ],
    [
        "w2 = xchg32_32(r1 + 0, w2)",
        "(c3) r2 = atomic_xchg((u32 *)(r1 +0), r2)",
        "lock xchg32 [%r1], %r2",
    ],
    [
        "r0 = cmpxchg_64(r1 + 8, r0, r2)",
        "(db) r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2)",
        "lock cmpxchg [%r1+8], %r2",
    ],
    [
        "w0 = cmpxchg32_32(r1 + 8, w0, w2)",
        "(c3) r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)",
        "lock cmpxchg32 [%r1+8], %r2",
    ],
    [
        "w1 = load_acquire((u16 *)(r2 + 8))",
        "(cb) r1 = load_acquire((u16 *)(r2 +8))",
        "ldacqh %r1, [%r2+8]",
    ],
    [
        "store_release((u64 *)(r1 - 8), r2)",
        "(db) store_release((u64 *)(r1 -8), r2)",
        "streldw [%r1-8], %r2",
    ],
    ["r0 = *(u8 *)skb[14]", "(30) r0 = *(u8 *)skb[14]", "ldabsb 14"],
    ["r0 = *(u16 *)skb[r6]", "(48) r0 = *(u16 *)skb[r6 + 0]", "ldindh %r6, 0"],
    ["r0 = *(u32 *)skb[r6 + -4]", "(40) r0 = *(u32 *)skb[r6 + -4]", "ldindw %r6, -4"],
    ["goto +3", "(05) goto pc+3", "ja +3"],
    ["goto -1", "(05) goto pc-1", "ja -1"],
    ["gotol +70000", "(06) gotol pc+70000", "ja32 +70000"],
    ["gotox r3", "(0d) gotox r3", "jax %r3"],
    ["may_goto +5", "(e5) may_goto pc+5", "may_goto +5"],
    ["if r1 s> 5 goto +3", "(65) if r1 s> 0x5 goto pc+3", "jsgt %r1, 5, +3"],
    ["if w1 != -1 goto -2", "(56) if w1 != 0xffffffff goto pc-2", "jne32 %r1, -1, -2"],
    ["if r1 & r2 goto +0", "(4d) if r1 & r2 goto pc+0", "jset %r1, %r2, +0"],
    ["call 1", "(85) call unknown#1", "call 1"],
    ["call pc+12", "(85) call pc+12", "call local +12"],
    ["call kernel-function#7", "(85) call kernel-function#7", "call runtime 7"],
    ["callx r3", "(8d) callx r3", "callx %r3"],
    ["exit", "(95) exit", "exit"],
];

#[test]
fn spellings_are_those_of_the_foreign_tools() {
    for [pseudo, kernel, classic] in SPELLINGS {
        let insn = one(pseudo);
        assert_eq!(insn.to_string(), *pseudo);
        let text = format!("({:02x}) {}", encode(&[insn])[0], insn.text(Syntax::Kernel));
        assert_eq!(text, *kernel);
        assert_eq!(insn.text(Syntax::Classic).to_string(), *classic);
        assert_eq!(one(kernel), insn, "{kernel}");
        assert_eq!(one(classic), insn, "{classic}");
    }
}

#[test]
fn equal_instructions_may_be_spelled_in_several_ways() {
    for (a, b) in [
        ("w0 = *(u32 *)(r1 + 4)", "r0 = *(u32 *)(r1 + 0x4)"),
        ("*(u16*)(r1+2)=w3", "*(u16 *)(r1 + 2) = r3"),
        ("bswap16 %r1", "swap16 %r1"),
        ("mov32 %r0, 0xffffffff", "mov32 %r0, -1"),
        ("r0 = 0xffffffff", "r0 = -1"),
        ("call %r3", "callx %r3"),
        ("callx_imm r3", "callx_imm %r3"),
        ("call helper 5", "call bpf_ktime_get_ns#5"),
        ("lock fetch add32 [%r1], %r2", "w2 = atomic_fetch_add((u32 *)(r1 + 0), w2)"),
        ("lddw %r1, map[fd:3]", "ld_pseudo r1, 1, 3"),
        ("r1 = map[idx:2]+8", "ld_pseudo r1, 6, 0x800000002"),
        ("r1 = w2", "w1 = w2"),
        ("r1 += 0b101", "r1 += 5"),
        ("goto 3", "goto +3"),
        ("if r1 > 1 goto 0x10", "if r1 > 1 goto +16"),
        ("x: r1 = x ll", "r1 = subprog[-1]"),
        ("x: lddw %r1, x", "r1 = subprog[-1]"),
        ("1: goto 1b", "goto -1"),
        ("goto +3 <LBB0_2>", "goto +3"),
        ("goto +3 <f+0x18>", "goto pc+3"),
        ("  7 : r0 = 0".trim_start_matches("  7 :"), "mov %r0, 0"),
        ("r0 /* a\nb */ = 1 // c", "r0 = 1 # d"),
    ] {
        assert_eq!(one(a), one(b), "{a} and {b}");
    }
}

#[test]
fn helpers_are_called_by_name() {
    let name = |id| (id == 1).then_some("map_lookup_elem");
    let number = |name: &str| (name == "bpf_map_lookup_elem").then_some(1);
    let insn = one("call 1");
    for syntax in [Syntax::PseudoC, Syntax::Kernel] {
        assert_eq!(insn.text(syntax).naming(name).to_string(), "call bpf_map_lookup_elem#1");
    }
    let assembly = assemble_with("call bpf_map_lookup_elem", number).expect("parses");
    assert_eq!(assembly.insns, [insn]);
    let shadowed = "bpf_map_lookup_elem: call bpf_map_lookup_elem";
    let assembly = assemble_with(shadowed, number).expect("parses");
    assert_eq!(assembly.insns, [one("call pc-1")]);
}

#[test]
fn labels_stand_for_distances() {
    for (source, pseudo, classic) in [
        ("goto +3", "goto there", "ja there"),
        ("gotol +3", "gotol there", "ja32 there"),
        ("if w1 s> 5 goto +3", "if w1 s> 5 goto there", "jsgt32 %r1, 5, there"),
        ("may_goto +3", "may_goto there", "may_goto there"),
        ("call pc+3", "call there", "call local there"),
        ("r1 = subprog[+3]", "r1 = subprog[there]", "lddw %r1, subprog[there]"),
    ] {
        let insn = one(source);
        assert_eq!(insn.target(Pc(0)), Some(Pc(4)));
        for (syntax, expected) in [(Syntax::PseudoC, pseudo), (Syntax::Classic, classic)] {
            let text = insn.text(syntax).leading_to("there").to_string();
            assert_eq!(text, expected);
            let filler = "exit; ".repeat(4 - insn.slots() as usize);
            assert_eq!(one_of(&format!("{text}; {filler} there: exit")), insn);
        }
        let kernel = insn.text(Syntax::Kernel);
        assert_eq!(kernel.leading_to("there").to_string(), kernel.to_string());
    }
    assert_eq!(one("goto -2").target(Pc(0)), None);
    assert_eq!(one("goto -2").target(Pc(1)), Some(Pc(0)));
    assert_eq!(one("call 3").target(Pc(0)), None);
}

/// The first instruction.
fn one_of(source: &str) -> Insn {
    assemble(source).unwrap_or_else(|errors| panic!("{source}: {}", errors[0])).insns[0]
}

#[test]
fn slots_in_listings_count_from_their_section() {
    let source = ".section a\n0: r0 = 0\n1: exit\n.section b\n0: r0 = 1\n1: exit";
    assert_eq!(assemble(source).map(|assembly| assembly.insns.len()), Ok(4));
}

#[test]
fn labels_count_slots() {
    let assembly = assemble(
        "start: r1 = 1 ll
         if r1 == 0 goto end
         goto start; call f
         r2 = subprog[f]
         end: exit
         f:
         exit",
    )
    .expect("parses");
    let expected = assemble(
        "r1 = 1 ll
         if r1 == 0 goto +4
         goto -4; call pc+3
         r2 = subprog[+2]
         exit
         exit",
    )
    .expect("parses");
    assert_eq!(assembly.insns, expected.insns);
    let labels = [("start", 0), ("end", 7), ("f", 8)].map(|(name, pc)| (name.to_owned(), Pc(pc)));
    assert_eq!(assembly.labels, labels);
    assert_eq!(assembly.places[2], Place { line: 3, column: 10 });
    assert_eq!(assembly.places[3], Place { line: 3, column: 22 });
}

#[test]
fn numeric_labels_are_the_nearest_ones() {
    let source = "1: r0 = 0
         if r0 == 0 goto 1f
         if r0 == 1 goto 1b
         1: if r0 == 2 goto 1b
         goto 2f
         5: exit
         2: 6: exit";
    let expected = "r0 = 0
         if r0 == 0 goto +1
         if r0 == 1 goto -3
         if r0 == 2 goto -1
         goto +1
         exit
         exit";
    let expected = assemble(expected).expect("parses").insns;
    assert_eq!(assemble(source).map(|assembly| assembly.insns), Ok(expected));
    // Without a jump to it, a number is a slot.
    let errors = assemble("1: r0 = 0\n1: exit").expect_err("refused");
    assert_eq!(errors[0].to_string(), "1:1: instruction is at slot 0, not 1");
}

/// What `clang -S` writes, shortened.
const COMPILED: &str = r#"
    .text
    .file "x.c"                             # a.c; b.c
    .section    xdp,"ax",@progbits
    .globl    first                           # -- Begin function first
    .p2align    3
    .type    first,@function
first:                                      # @first
.Lfunc_begin0:
    .loc    0 2 0 is_stmt 1
    .cfi_startproc
    call second
    r1 = second ll
    exit
.Lfunc_end0:
    .size    first, .Lfunc_end0-first
    .cfi_endproc
    .text
    .type    second,@function
second:
    r0 = 2
    exit
    .section    license,"aw",@progbits
lic:
    .asciz    "GPL"
    .section    .debug_str,"MS",@progbits,1
    .ascii    "a "quoted" ; text"
    .unknown    1 ! 2 ~ 3
    .uleb128 .Lfunc_end0-.Lfunc_begin0
    frob
    .addrsig
"#;

#[test]
fn text_of_a_compiler_is_read_with_its_sections() {
    let assembly = assemble(COMPILED).expect("parses");
    let expected = assemble("call pc+3; r1 = subprog[+2]; exit; r0 = 2; exit").expect("parses");
    assert_eq!(assembly.insns, expected.insns);
    let named = |name: &str, pc| (name.to_owned(), Pc(pc));
    assert_eq!(assembly.sections, [named("xdp", 0), named(".text", 4)]);
    assert_eq!(assembly.globals, ["first"]);
    assert_eq!(assembly.license.as_deref(), Some("GPL"));
    let labels = [("first", 0), (".Lfunc_begin0", 0), (".Lfunc_end0", 4), ("second", 4)];
    assert_eq!(assembly.labels, labels.map(|(name, pc)| named(name, pc)));
}

#[test]
fn undefined_label_exit_is_the_first_exit() {
    let assembly = assemble("jne %r1, 1, exit\nmov %r0, 1\nexit\nexit").expect("parses");
    assert_eq!(assembly.insns[0], one("jne %r1, 1, +1"));
}

#[test]
fn far_label_makes_a_jump_wide_and_refuses_a_branch() {
    let filler = "r0 = 0\n".repeat(40_000);
    let assembly = assemble(&format!("goto end\n{filler}end: exit")).expect("parses");
    assert_eq!(assembly.insns[0], Insn::Jump { off: 40_000, wide: true });
    let errors = assemble(&format!("if r0 == 0 goto end\n{filler}end: exit")).expect_err("far");
    let reason = ParseReason::TooFar { name: "end".to_owned(), distance: 40_000 };
    assert_eq!(errors[0].reason, reason);
}

/// Source, line, column, message.
const REFUSALS: &[(&str, u32, u32, &str)] = &[
    ("r0 = 1\n  frob r1", 2, 3, "no instruction begins with frob"),
    ("r11 = 0", 1, 1, "no instruction begins with r11"),
    ("mov %r11, 0", 1, 6, "expected a register, found r11"),
    ("w0 = r1", 1, 6, "register name has the wrong width"),
    ("w0 = be16 w0", 1, 1, "register name has the wrong width"),
    ("r0 = -r1", 1, 7, "register must be that of r0 here"),
    ("r0 = be16 r1", 1, 11, "register must be that of r0 here"),
    ("r1 = *(u8 *)skb[0]", 1, 1, "register must be that of r0 here"),
    ("r1 = cmpxchg_64(r2 + 0, r0, r3)", 1, 25, "register must be that of r0 here"),
    ("r0 = *(u32 *)(r1 + 40000)", 1, 20, "40000 is not an offset of 16 bits"),
    ("r0 += 0x1ffffffff", 1, 7, "8589934591 is not a 32-bit constant"),
    ("r0 = 5 5", 1, 8, "expected the end of the statement, found 5"),
    ("r0 += 1x", 1, 7, "1x is not a number of at most 64 bits"),
    ("if r0 = 1 goto +1", 1, 7, "expected a comparison, found ="),
    ("goto 0x10000", 1, 6, "65536 is not a distance of 16 bits"),
    ("goto =", 1, 6, "expected a label or a distance, found ="),
    ("goto 1f", 1, 6, "nothing is named 1f"),
    ("goto 2b\n2: exit", 1, 6, "nothing is named 2b"),
    ("r0 = 010", 1, 6, "010 is octal to some assemblers: leave out the leading zero"),
    ("r0 = \"1", 1, 6, "text has no closing quote"),
    ("exit \"1\"", 1, 6, "expected the end of the statement, found 1"),
    (".frob", 1, 1, "no directive is named .frob"),
    ("exit\n.byte 1", 2, 1, ".byte puts data among instructions"),
    (".p2align 4", 1, 10, "4 is not an alignment of at most 8 bytes"),
    (
        "goto l\n.section xdp\nl: exit",
        1,
        6,
        "label l is in another section, to which only calls lead",
    ),
    (
        "exit\n.section xdp\nexit\n.text\nexit",
        5,
        1,
        "section .text ended before: its instructions must stand together",
    ),
    ("goto +40000", 1, 6, "40000 is not a distance of 16 bits"),
    ("goto nowhere", 1, 6, "nothing is named nowhere"),
    ("a: exit\na: exit", 2, 1, "label a is on line 1 already"),
    ("w0 = (s32)w1", 1, 13, "sign extension must be to a greater width"),
    ("*(s8 *)(r1 + 0) = r2", 1, 2, "access cannot sign-extend"),
    ("lock *(u8 *)(r1 + 0) += r2", 1, 7, "atomic operation needs u32 or u64"),
    ("r0 = foo(r1)", 1, 6, "nothing named foo can be assigned"),
    ("r0 = 1 ? 2", 1, 8, "no token begins with '?'"),
    ("r0 = 1\n/* open", 2, 1, "comment has no end"),
    ("1: r0 = 1", 1, 1, "instruction is at slot 0, not 1"),
    ("(95) r0 = 1", 1, 6, "instruction has opcode 0xb7, not 0x95"),
    ("ld_pseudo r1, 1, 0x100000000", 1, 15, "1 is not a source from 0 to 6 for this constant"),
    ("jeq %r1, 2", 1, 11, "expected `,`, found the end of the statement"),
    ("callx_imm r0", 1, 11, "expected a register from r1 to r10, found r0"),
    ("lock fetch xchg [%r1], %r2", 1, 12, "no instruction begins with xchg"),
];

#[test]
fn refusals_name_place_and_reason() {
    for (source, line, column, message) in REFUSALS {
        let errors = assemble(source).expect_err(source);
        assert_eq!(errors[0].to_string(), format!("{line}:{column}: {message}"), "{source}");
    }
}

#[test]
fn all_refusals_of_a_program_are_reported_in_order() {
    let errors = assemble("goto a\nfrob\nr0 = 1\nr0 ~ 1\ngoto b").expect_err("refused");
    let lines: Vec<u32> = errors.iter().map(|error| error.place.line).collect();
    assert_eq!(lines, [1, 2, 4, 5]);
}

#[test]
fn refusals_end_after_fifty() {
    assert_eq!(assemble(&"frob\n".repeat(1_000)).expect_err("refused").len(), 50);
    assert_eq!(assemble(&"goto a\n".repeat(1_000)).expect_err("refused").len(), 50);
    assert!(assemble(&"~".repeat(1_000)).expect_err("refused").len() <= 50);
}
