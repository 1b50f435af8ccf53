//! Every bound of the parser, with its origin.

/// Bytes of a line without its end: `iptables-restore` reads into 10,240 bytes.
pub(crate) const LINE_BYTES_MAX: usize = 10_238;

/// Bytes of a word: `iptables-restore` collects words in 1,024 bytes.
pub(crate) const WORD_BYTES_MAX: usize = 1_023;

/// Words of a line: `iptables-restore` has 255 argument places and uses some itself.
pub(crate) const WORDS_MAX: usize = 250;

/// Lines of a file. Ours: the largest known rulesets have some 200,000.
pub(crate) const LINES_MAX: usize = 4_000_000;

/// Rules of a file, lists of addresses expanded. Ours: bounds memory to about 1 GB.
pub(crate) const RULES_MAX: usize = 1_000_000;

/// Rules that the address lists of one line may stand for. Ours.
pub(crate) const EXPANSION_MAX: usize = 65_536;

/// Errors that are reported before the parser gives up. Ours.
pub(crate) const ERRORS_MAX: usize = 1_000;

/// Bytes of a chain or target name: `XT_EXTENSION_MAXNAMELEN` - 1 in `linux/netfilter/x_tables.h`.
pub(crate) const NAME_BYTES_MAX: usize = 28;

/// Bytes of a device name: `IFNAMSIZ` - 1 in `linux/if.h`.
pub(crate) const INTERFACE_BYTES_MAX: usize = 15;

/// Bytes of a comment: `XT_MAX_COMMENT_LEN` - 1 in `linux/netfilter/xt_comment.h`.
pub(crate) const COMMENT_BYTES_MAX: usize = 255;

/// Bytes of a LOG prefix: `struct xt_log_info` in `linux/netfilter/xt_LOG.h`.
pub(crate) const LOG_PREFIX_BYTES_MAX: usize = 29;

/// Bytes of an NFLOG prefix: `struct xt_nflog_info` in `linux/netfilter/xt_NFLOG.h`.
pub(crate) const NFLOG_PREFIX_BYTES_MAX: usize = 63;

/// Slots of a multiport match: `XT_MULTI_PORTS` in `linux/netfilter/xt_multiport.h`.
pub(crate) const MULTIPORT_SLOTS_MAX: usize = 15;
