//! The wire format of netlink (`linux/netlink.h`, `linux/netfilter/nfnetlink.h`).
//!
//! ```text
//! message:    length u32 | type u16 | flags u16 | sequence u32 | port u32 | family header | attributes
//! attribute:  length u16 | type u16 | payload, padded to 4 bytes
//! ```
//!
//! Headers are in native byte order; netfilter's numbers in payloads are big-endian.

/// Bytes of a message's header.
pub(super) const HEADER_BYTES: usize = 16;
/// Bytes of an attribute's header.
const ATTRIBUTE_BYTES: usize = 4;
/// `NLA_F_NESTED`.
const NESTED: u16 = 1 << 15;
/// `NLA_TYPE_MASK`: without the flags for nesting and byte order.
const TYPE_MASK: u16 = 0x3fff;

/// `NLM_F_REQUEST`.
pub(super) const REQUEST: u16 = 0x001;
/// `NLM_F_ACK`.
pub(super) const ACK: u16 = 0x004;
/// `NLM_F_ROOT | NLM_F_MATCH`.
pub(super) const DUMP: u16 = 0x300;
/// `NLM_F_CREATE`.
pub(super) const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`.
pub(super) const APPEND: u16 = 0x800;

/// `NLMSG_ERROR`: an acknowledgement when its number is 0.
pub(super) const ERROR: u16 = 2;
/// `NLMSG_DONE`.
pub(super) const DONE: u16 = 3;

/// Messages under construction, back to back.
///
/// A length that does not fit its field is remembered and told by [`Writer::finish`].
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    message: usize,
    too_long: bool,
}

/// A message or attribute that has begun; its length is filled in by [`Writer::end`].
#[must_use]
pub(super) struct Open(usize);

impl Writer {
    /// Begins a message and writes its family header.
    pub(super) fn message(&mut self, kind: u16, flags: u16, sequence: u32, family: &[u8]) {
        self.message = self.bytes.len();
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((REQUEST | flags).to_ne_bytes());
        self.bytes.extend(sequence.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(family);
        self.close_message();
    }

    /// An attribute with this payload.
    pub(super) fn attribute(&mut self, kind: u16, payload: &[u8]) {
        let open = self.open(kind);
        self.bytes.extend(payload);
        self.end(open);
    }

    /// An attribute that is text with a final zero.
    pub(super) fn text(&mut self, kind: u16, text: &str) {
        let open = self.open(kind);
        self.bytes.extend(text.as_bytes());
        self.bytes.push(0);
        self.end(open);
    }

    /// A netfilter number.
    pub(super) fn be32(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    /// Begins an attribute that holds others.
    pub(super) fn nest(&mut self, kind: u16) -> Open {
        self.open(kind | NESTED)
    }

    /// Ends an attribute.
    pub(super) fn end(&mut self, Open(at): Open) {
        match u16::try_from(self.bytes.len() - at) {
            Ok(len) => self.bytes[at..at + 2].copy_from_slice(&len.to_ne_bytes()),
            Err(_) => self.too_long = true,
        }
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.close_message();
    }

    /// The messages; `None` when one part was too long for its length field.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (!self.too_long).then_some(self.bytes)
    }

    fn open(&mut self, kind: u16) -> Open {
        let at = self.bytes.len();
        self.bytes.extend(0u16.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        Open(at)
    }

    fn close_message(&mut self) {
        match u32::try_from(self.bytes.len() - self.message) {
            Ok(len) => {
                self.bytes[self.message..self.message + 4].copy_from_slice(&len.to_ne_bytes());
            }
            Err(_) => self.too_long = true,
        }
    }
}

/// A received message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) sequence: u32,
    /// After the header: family header and attributes.
    pub(super) payload: &'a [u8],
}

/// The messages of one datagram; ends early, with `None`, at a broken length.
pub(super) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Option<Message<'_>>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let message = first_message(bytes);
        bytes = message.map_or(&[], |(_, rest)| rest);
        Some(message.map(|(message, _)| message))
    })
}

fn first_message(bytes: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let len = usize::try_from(u32_at(bytes, 0)?).ok()?;
    let payload = bytes.get(HEADER_BYTES..len)?;
    let message = Message { kind: u16_at(bytes, 4)?, sequence: u32_at(bytes, 8)?, payload };
    let rest = bytes.get(len.checked_next_multiple_of(4)?..).unwrap_or(&[]);
    Some((message, rest))
}

/// The attributes in `bytes`, by type and payload; ends at a broken length.
pub(super) fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(bytes, 0)?);
        let kind = u16_at(bytes, 2)? & TYPE_MASK;
        let payload = bytes.get(ATTRIBUTE_BYTES..len)?;
        bytes = bytes.get(len.next_multiple_of(4)..).unwrap_or(&[]);
        Some((kind, payload))
    })
}

/// The payload of the first attribute of this type.
pub(super) fn attribute(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(bytes).find(|&(found, _)| found == kind).map(|(_, payload)| payload)
}

/// The text of an attribute, without its final zero.
pub(super) fn text(payload: &[u8]) -> String {
    let len = payload.iter().position(|&byte| byte == 0).unwrap_or(payload.len());
    String::from_utf8_lossy(&payload[..len]).into_owned()
}

/// A netfilter number.
pub(super) fn be32(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|&bytes| u32::from_be_bytes(bytes))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|&bytes| u32::from_ne_bytes(bytes))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|&bytes| u16::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut writer = Writer::default();
        writer.message(7, ACK, 3, &[1, 2, 3, 4]);
        writer.text(1, "ab");
        let nest = writer.nest(2);
        writer.be32(5, 0x0102_0304);
        writer.end(nest);
        writer.message(8, 0, 4, &[]);
        let bytes = writer.finish().unwrap();

        let all: Vec<_> = messages(&bytes).map(Option::unwrap).collect();
        assert_eq!(all.iter().map(|m| (m.kind, m.sequence)).collect::<Vec<_>>(), [(7, 3), (8, 4)]);
        let body = &all[0].payload[4..];
        assert_eq!(text(attribute(body, 1).unwrap()), "ab");
        assert_eq!(be32(attribute(attribute(body, 2).unwrap(), 5).unwrap()), Some(0x0102_0304));
        assert!(all[1].payload.is_empty());
    }

    #[test]
    fn an_attribute_that_does_not_fit_is_refused() {
        let mut writer = Writer::default();
        writer.message(1, 0, 1, &[]);
        writer.attribute(1, &[0; 1 << 16]);
        assert_eq!(writer.finish(), None);
    }

    #[test]
    fn any_bytes_can_be_walked() {
        arbtest::arbtest(|u| {
            let bytes: Vec<u8> = u.arbitrary()?;
            for message in messages(&bytes).flatten() {
                assert!(message.payload.len() <= bytes.len());
                attributes(message.payload).for_each(drop);
            }
            assert!(attributes(&bytes).count() <= bytes.len() / 4);
            Ok(())
        });
    }
}
