//! The arguments and answers of `bpf(2)`, laid out as the kernel has them.
//!
//! Invariant: no structure has implicit padding, so every byte the kernel reads is initialised, and
//! a zeroed structure is a valid one. Each row names its field in `union bpf_attr` or in the answer's
//! structure of `linux/bpf.h`; a test compares all offsets with the running kernel's BTF.

/// Where a field of ours is, and what the kernel calls it.
#[derive(Clone, Copy, Debug)]
#[cfg(test)]
pub(super) struct FieldRow {
    pub(super) structure: &'static str,
    pub(super) path: &'static str,
    pub(super) offset: usize,
    pub(super) size: usize,
}

/// `attr! { Name of "kernel type" { field: type = "kernel path", … } }` declares the structure and
/// the list of its rows; an empty path marks explicit padding.
macro_rules! attr {
    ($($(#[$doc:meta])* $name:ident of $kernel:literal {
        $($field:ident: $type:ty = $path:literal,)*
    })*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug, Default)]
            pub(super) struct $name { $(pub(super) $field: $type,)* }

            const _: () = assert!(
                size_of::<$name>() == 0 $(+ size_of::<$type>())*,
                "implicit padding"
            );
        )*

        #[cfg(test)]
        pub(super) const ROWS: &[FieldRow] = &[$($(FieldRow {
            structure: $kernel,
            path: $path,
            offset: std::mem::offset_of!($name, $field),
            size: size_of::<$type>(),
        },)*)*];
    };
}

attr! {
    MapCreate of "bpf_attr" {
        map_type: u32 = "map_type",
        key_size: u32 = "key_size",
        value_size: u32 = "value_size",
        max_entries: u32 = "max_entries",
        map_flags: u32 = "map_flags",
        inner_map_fd: u32 = "inner_map_fd",
        numa_node: u32 = "numa_node",
        map_name: [u8; 16] = "map_name",
        map_ifindex: u32 = "map_ifindex",
        btf_fd: u32 = "btf_fd",
        btf_key_type_id: u32 = "btf_key_type_id",
        btf_value_type_id: u32 = "btf_value_type_id",
        btf_vmlinux_value_type_id: u32 = "btf_vmlinux_value_type_id",
        map_extra: u64 = "map_extra",
    }
    Element of "bpf_attr" {
        map_fd: u32 = "map_fd",
        pad: u32 = "",
        key: u64 = "key",
        value: u64 = "value",
        flags: u64 = "flags",
    }
    Freeze of "bpf_attr" {
        map_fd: u32 = "map_fd",
    }
    Batch of "bpf_attr" {
        in_batch: u64 = "batch.in_batch",
        out_batch: u64 = "batch.out_batch",
        keys: u64 = "batch.keys",
        values: u64 = "batch.values",
        count: u32 = "batch.count",
        map_fd: u32 = "batch.map_fd",
        elem_flags: u64 = "batch.elem_flags",
        flags: u64 = "batch.flags",
    }
    ProgLoad of "bpf_attr" {
        prog_type: u32 = "prog_type",
        insn_cnt: u32 = "insn_cnt",
        insns: u64 = "insns",
        license: u64 = "license",
        log_level: u32 = "log_level",
        log_size: u32 = "log_size",
        log_buf: u64 = "log_buf",
        kern_version: u32 = "kern_version",
        prog_flags: u32 = "prog_flags",
        prog_name: [u8; 16] = "prog_name",
        prog_ifindex: u32 = "prog_ifindex",
        expected_attach_type: u32 = "expected_attach_type",
        prog_btf_fd: u32 = "prog_btf_fd",
        func_info_rec_size: u32 = "func_info_rec_size",
        func_info: u64 = "func_info",
        func_info_cnt: u32 = "func_info_cnt",
        line_info_rec_size: u32 = "line_info_rec_size",
        line_info: u64 = "line_info",
        line_info_cnt: u32 = "line_info_cnt",
        attach_btf_id: u32 = "attach_btf_id",
        attach_prog_fd: u32 = "attach_prog_fd",
        core_relo_cnt: u32 = "core_relo_cnt",
        fd_array: u64 = "fd_array",
    }
    Object of "bpf_attr" {
        pathname: u64 = "pathname",
        bpf_fd: u32 = "bpf_fd",
        file_flags: u32 = "file_flags",
    }
    TestRun of "bpf_attr" {
        prog_fd: u32 = "test.prog_fd",
        retval: u32 = "test.retval",
        data_size_in: u32 = "test.data_size_in",
        data_size_out: u32 = "test.data_size_out",
        data_in: u64 = "test.data_in",
        data_out: u64 = "test.data_out",
        repeat: u32 = "test.repeat",
        duration: u32 = "test.duration",
        ctx_size_in: u32 = "test.ctx_size_in",
        ctx_size_out: u32 = "test.ctx_size_out",
        ctx_in: u64 = "test.ctx_in",
        ctx_out: u64 = "test.ctx_out",
        flags: u32 = "test.flags",
        cpu: u32 = "test.cpu",
        batch_size: u32 = "test.batch_size",
        pad: u32 = "",
    }
    Id of "bpf_attr" {
        start_id: u32 = "start_id",
        next_id: u32 = "next_id",
        open_flags: u32 = "open_flags",
    }
    InfoByFd of "bpf_attr" {
        bpf_fd: u32 = "info.bpf_fd",
        info_len: u32 = "info.info_len",
        info: u64 = "info.info",
    }
    BtfLoad of "bpf_attr" {
        btf: u64 = "btf",
        btf_log_buf: u64 = "btf_log_buf",
        btf_size: u32 = "btf_size",
        btf_log_size: u32 = "btf_log_size",
        btf_log_level: u32 = "btf_log_level",
        pad: u32 = "",
    }
    LinkNetfilter of "bpf_attr" {
        prog_fd: u32 = "link_create.prog_fd",
        target: u32 = "link_create.target_ifindex",
        attach_type: u32 = "link_create.attach_type",
        flags: u32 = "link_create.flags",
        pf: u32 = "link_create.netfilter.pf",
        hooknum: u32 = "link_create.netfilter.hooknum",
        priority: i32 = "link_create.netfilter.priority",
        hook_flags: u32 = "link_create.netfilter.flags",
    }
    LinkDevice of "bpf_attr" {
        prog_fd: u32 = "link_create.prog_fd",
        target: u32 = "link_create.target_ifindex",
        attach_type: u32 = "link_create.attach_type",
        flags: u32 = "link_create.flags",
    }
    LinkUpdate of "bpf_attr" {
        link_fd: u32 = "link_update.link_fd",
        new_prog_fd: u32 = "link_update.new_prog_fd",
        flags: u32 = "link_update.flags",
        old_prog_fd: u32 = "link_update.old_prog_fd",
    }
    LinkDetach of "bpf_attr" {
        link_fd: u32 = "link_detach.link_fd",
    }
    /// Answer: the head of `struct bpf_map_info`.
    MapAnswer of "bpf_map_info" {
        kind: u32 = "type",
        id: u32 = "id",
        key_size: u32 = "key_size",
        value_size: u32 = "value_size",
        max_entries: u32 = "max_entries",
        map_flags: u32 = "map_flags",
        name: [u8; 16] = "name",
    }
    /// Answer: the head of `struct bpf_prog_info`. The kernel takes the pointers in it as places to
    /// write to, so they stay null and the counts zero.
    ProgAnswer of "bpf_prog_info" {
        kind: u32 = "type",
        id: u32 = "id",
        tag: [u8; 8] = "tag",
        jited_prog_len: u32 = "jited_prog_len",
        xlated_prog_len: u32 = "xlated_prog_len",
        jited_prog_insns: u64 = "jited_prog_insns",
        xlated_prog_insns: u64 = "xlated_prog_insns",
        load_time: u64 = "load_time",
        created_by_uid: u32 = "created_by_uid",
        nr_map_ids: u32 = "nr_map_ids",
        map_ids: u64 = "map_ids",
        name: [u8; 16] = "name",
        ifindex: u32 = "ifindex",
        bits: u32 = "",
        netns_dev: u64 = "netns_dev",
        netns_ino: u64 = "netns_ino",
        nr_jited_ksyms: u32 = "nr_jited_ksyms",
        nr_jited_func_lens: u32 = "nr_jited_func_lens",
        jited_ksyms: u64 = "jited_ksyms",
        jited_func_lens: u64 = "jited_func_lens",
        btf_id: u32 = "btf_id",
        func_info_rec_size: u32 = "func_info_rec_size",
        func_info: u64 = "func_info",
        nr_func_info: u32 = "nr_func_info",
        nr_line_info: u32 = "nr_line_info",
        line_info: u64 = "line_info",
        jited_line_info: u64 = "jited_line_info",
        nr_jited_line_info: u32 = "nr_jited_line_info",
        line_info_rec_size: u32 = "line_info_rec_size",
        jited_line_info_rec_size: u32 = "jited_line_info_rec_size",
        nr_prog_tags: u32 = "nr_prog_tags",
        prog_tags: u64 = "prog_tags",
        run_time_ns: u64 = "run_time_ns",
        run_cnt: u64 = "run_cnt",
        recursion_misses: u64 = "recursion_misses",
        verified_insns: u32 = "verified_insns",
        pad: u32 = "",
    }
    /// Answer: `struct bpf_link_info` up to what netfilter links fill; device links use the first
    /// words of `detail`.
    LinkAnswer of "bpf_link_info" {
        kind: u32 = "type",
        id: u32 = "id",
        prog_id: u32 = "prog_id",
        pad: u32 = "",
        detail0: u32 = "netfilter.pf",
        detail1: u32 = "netfilter.hooknum",
        detail2: i32 = "netfilter.priority",
        detail3: u32 = "netfilter.flags",
    }
}
