//! Frames with something odd about them.

use netloom_testkit::stage::seal;

/// Changes one frame, for a family alone or for both, and says what it then is.
pub(super) type Change = (&'static str, fn(&mut Vec<u8>));

/// Frames that XDP must not decide about.
pub(super) const STRANGE: [Change; 14] = [
    ("IPv4 options", |frame| {
        frame[14] = 0x46;
        frame.splice(34..34, [1, 1, 1, 1]);
        frame[17] += 4;
        seal(frame);
    }),
    ("first fragment", |frame| {
        frame[20] = 0x20;
        seal(frame);
    }),
    ("later fragment", |frame| {
        frame[21] = 3;
        seal(frame);
    }),
    ("VLAN tag", |frame| drop(frame.splice(12..12, [0x81, 0, 0, 5]))),
    ("priority tag", |frame| drop(frame.splice(12..12, [0x81, 0, 0, 0]))),
    ("two tags", |frame| drop(frame.splice(12..12, [0x88, 0xa8, 0, 5, 0x81, 0, 0, 5]))),
    ("header checksum", |frame| frame[24] ^= 1),
    ("stated length over the frame's", |frame| {
        frame[17] += 1;
        seal(frame);
    }),
    ("stated length below the header's", |frame| {
        frame[17] = 19;
        seal(frame);
    }),
    ("header of 16 bytes", |frame| {
        frame[14] = 0x44;
        seal(frame);
    }),
    ("version 5", |frame| {
        frame[14] = 0x55;
        seal(frame);
    }),
    ("another host's address", |frame| frame[5] ^= 1),
    ("broadcast address", |frame| frame[..6].fill(0xff)),
    ("half of a transport header", |frame| {
        frame.truncate(38);
        frame[17] = 24;
        seal(frame);
    }),
];

/// The same for IPv6.
pub(super) const STRANGE_V6: [Change; 9] = [
    ("hop-by-hop header", |frame| extend(frame, 0, [17, 0, 1, 4, 0, 0, 0, 0])),
    ("destination options", |frame| extend(frame, 60, [17, 0, 1, 4, 0, 0, 0, 0])),
    ("routing header", |frame| extend(frame, 43, [17, 0, 0, 0, 0, 0, 0, 0])),
    ("first fragment", |frame| extend(frame, 44, [17, 0, 0, 1, 0, 0, 0, 1])),
    ("later fragment", |frame| extend(frame, 44, [17, 0, 0, 9, 0, 0, 0, 2])),
    ("no payload length", |frame| frame[18..20].fill(0)),
    ("stated length over the frame's", |frame| frame[19] += 1),
    ("version 5", |frame| frame[14] = 0x50),
    ("VLAN tag", |frame| drop(frame.splice(12..12, [0x81, 0, 0, 5]))),
];

/// Puts an extension header of 8 bytes in front of the transport header.
fn extend(frame: &mut Vec<u8>, number: u8, header: [u8; 8]) {
    frame[20] = number;
    frame.splice(54..54, header);
    frame[19] += 8;
}

/// Ordinary frames with oddities that change no rule's mind.
pub(super) const PLAIN: [Change; 7] = [
    ("nothing", |_| {}),
    ("padding behind the packet", |frame| frame.extend([0xee; 40])),
    ("transport checksum", |frame| *frame.last_mut().unwrap() ^= 1),
    ("type of service", |frame| {
        frame[15] = 0x20;
        seal(frame);
    }),
    ("do not fragment", |frame| {
        if frame[12] == 8 {
            frame[20] = 0x40;
            seal(frame);
        }
    }),
    ("hop limit 1", |frame| {
        let at = if frame[12] == 8 { 22 } else { 21 };
        frame[at] = 1;
        seal(frame);
    }),
    ("a source that is nobody's neighbour", |frame| {
        let at = if frame[12] == 8 { 26 } else { 22 };
        frame[at] ^= 0x60;
        seal(frame);
    }),
];
