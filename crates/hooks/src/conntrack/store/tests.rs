use std::collections::VecDeque;

use netloom_packet::wire::protocol;

use super::*;
use crate::conntrack::upper::UpperBytes;

/// The connection of UDP port `port`, which lives until `expires_ns`.
fn connection(port: u16, expires_ns: u64) -> Connection {
    let [high, low] = port.to_be_bytes();
    let bytes = [high, low, 0, 53, 0, 8, 0, 0];
    let (src, dst) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let tuple = Tuple::of(src, dst, protocol::UDP, &bytes).expect("ports are there");
    let upper = UpperBytes {
        src,
        dst,
        protocol: protocol::UDP,
        bytes: &bytes,
        length: 8,
        is_fragment: false,
    };
    let mut connection = Connection::begin(tuple, &upper, 0).expect("UDP begins with any packet");
    connection.expires_ns = expires_ns;
    connection
}

#[test]
fn the_store_is_a_list_in_order_of_use() {
    arbtest::arbtest(|u| {
        let max = u.int_in_range(1..=4u32)?;
        let mut store = Store::new(max);
        // Ports with the ends of their lives, the least recently used first.
        let mut model: VecDeque<(u16, u64)> = VecDeque::new();
        let (mut now, mut evicted) = (0, 0);
        for _ in 0..u.int_in_range(1..=60u8)? {
            now += u.int_in_range(0..=2u64)?;
            let port = u.int_in_range(1..=6u16)?;
            let tuples = connection(port, 0).tuples;
            let at = model.iter().position(|(known, _)| *known == port);
            let found = at.and_then(|at| model.remove(at)).filter(|(_, expires)| *expires > now);
            model.extend(found);
            let expires = now + u.int_in_range(0..=6u64)?;
            match u.int_in_range(0..=2u8)? {
                0 => {
                    let reply = u.arbitrary::<bool>()?;
                    let place = store.find(&tuples[usize::from(reply)], now);
                    assert_eq!(place.is_some(), found.is_some());
                    let direction = if reply { Direction::Reply } else { Direction::Original };
                    assert!(place.is_none_or(|place| place.1 == direction));
                }
                1 => {
                    store.insert(connection(port, expires), now);
                    if found.is_none() {
                        while model.len() >= max as usize {
                            model.pop_front();
                            evicted += 1;
                        }
                        model.push_back((port, expires));
                    }
                }
                _ => {
                    if let Some((slot, _)) = store.find(&tuples[0], now) {
                        store.remove(slot);
                        model.pop_back();
                    }
                }
            }
            assert_eq!((store.len(), store.evicted()), (model.len(), evicted));
            assert_eq!(store.index.len(), 2 * store.len());
            assert_eq!(store.slots.len(), store.len() + store.free.len());
        }
        Ok(())
    });
}

#[test]
fn a_connection_with_itself_is_found_and_forgotten() {
    let (host, bytes) = ([10, 0, 0, 1].into(), [0, 53, 0, 53, 0, 8, 0, 0]);
    let tuple = Tuple::of(host, host, protocol::UDP, &bytes).expect("ports are there");
    let mut own = connection(1, 100);
    own.tuples = [tuple, tuple];
    let mut store = Store::new(2);
    store.insert(own, 0);
    let (slot, direction) = store.find(&tuple, 0).expect("it is there");
    assert_eq!(direction, Direction::Reply);
    store.remove(slot);
    assert!(store.find(&tuple, 0).is_none() && store.index.is_empty());
}
