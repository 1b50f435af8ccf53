//! The ways of packets through the tables.
//!
//! Source: `nf_hook_slow` runs hooks in the order of their priorities (`linux/netfilter_ipv4.h`);
//! tracking is at -200, between the raw and the mangle table; what it has begun is confirmed behind
//! all tables of INPUT or POSTROUTING.

use netloom_firewall::model::TableName::{Filter, Mangle, Raw, Security};
use netloom_firewall::{Hook, Point};

/// Whose packets the rules see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    /// Packets that a host receives.
    #[default]
    Input,
    /// Packets that a router passes on.
    Forward,
    /// Packets that a host sends.
    Output,
}

/// A place on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A table's built-in chain.
    Table(Point),
    /// Connection tracking gives the packet its state.
    Track,
    /// Routing: a packet to be passed on loses a hop.
    Route,
}

/// The stops of a packet, in order. A packet that passes all of them is let through, and what it
/// has begun is confirmed.
pub(super) fn path(view: View) -> &'static [Stop] {
    match view {
        View::Input => &INPUT,
        View::Forward => &FORWARD,
        View::Output => &OUTPUT,
    }
}

const fn table(table: netloom_firewall::model::TableName, hook: Hook) -> Stop {
    Stop::Table(Point { table, hook })
}

const INPUT: [Stop; 6] = [
    table(Raw, Hook::PreRouting),
    Stop::Track,
    table(Mangle, Hook::PreRouting),
    table(Mangle, Hook::Input),
    table(Filter, Hook::Input),
    table(Security, Hook::Input),
];

const FORWARD: [Stop; 8] = [
    table(Raw, Hook::PreRouting),
    Stop::Track,
    table(Mangle, Hook::PreRouting),
    Stop::Route,
    table(Mangle, Hook::Forward),
    table(Filter, Hook::Forward),
    table(Security, Hook::Forward),
    table(Mangle, Hook::PostRouting),
];

const OUTPUT: [Stop; 6] = [
    table(Raw, Hook::Output),
    Stop::Track,
    table(Mangle, Hook::Output),
    table(Filter, Hook::Output),
    table(Security, Hook::Output),
    table(Mangle, Hook::PostRouting),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_in_the_kernels_order_and_every_chain_on_some_way() {
        for view in [View::Input, View::Forward, View::Output] {
            let points: Vec<Point> = path(view)
                .iter()
                .filter_map(|stop| match stop {
                    Stop::Table(point) => Some(*point),
                    Stop::Track | Stop::Route => None,
                })
                .collect();
            for pair in points.windows(2) {
                let place = |point: &Point| (point.hook, point.iptables_priority());
                assert!(
                    pair[0].hook != pair[1].hook || place(&pair[0]) < place(&pair[1]),
                    "{view:?}: {pair:?}"
                );
            }
            for point in points {
                assert!(Point::ALL.contains(&point));
            }
        }
        let ways = [&INPUT[..], &FORWARD, &OUTPUT];
        for point in Point::ALL {
            let stop = Stop::Table(point);
            assert!(ways.iter().any(|way| way.contains(&stop)), "{point:?}");
        }
    }
}
