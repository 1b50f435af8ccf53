//! `-m limit` as the kernel keeps it: credits that grow with the timer and are paid per packet.
//!
//! All arithmetic is the kernel's 32-bit arithmetic, its wrap included; the file
//! `net/netfilter/xt_limit.c` is the source of the facts.

use netloom_firewall::model::Limit;

/// Units of `Limit::period` in a second (`XT_LIMIT_SCALE`).
const PERIODS_PER_SECOND: u32 = 10_000;

/// A token bucket. It starts full.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenBucket {
    limit: Limit,
    tick_hz: u32,
    credits_per_tick: u32,
    cost: u32,
    cap: u32,
    credit: u32,
    /// Tick of the last packet; `None` before the first, when the bucket is full anyway.
    last_tick: Option<u64>,
}

impl TokenBucket {
    /// A full bucket, or `None` where the kernel refuses the numbers: an empty burst, or a
    /// capacity that does not fit its counter.
    pub(super) fn new(limit: Limit, tick_hz: u32) -> Option<Self> {
        let bucket = Self::unchecked(limit, tick_hz);
        (limit.burst != 0 && bucket.cap >= bucket.cost).then_some(bucket)
    }

    /// The same limit under another timer, full.
    pub(super) fn at_tick_hz(self, tick_hz: u32) -> Self {
        Self::unchecked(self.limit, tick_hz)
    }

    fn unchecked(limit: Limit, tick_hz: u32) -> Self {
        // The slowest rate is one packet a day; the factor is the greatest power of two with which
        // that day still fits 32 bits.
        let credits_per_tick = 1 << (u32::MAX / (tick_hz * 86_400)).ilog2();
        let per_second = tick_hz * credits_per_tick;
        let cap = credits(limit.period.wrapping_mul(limit.burst), per_second);
        Self {
            limit,
            tick_hz,
            credits_per_tick,
            cost: credits(limit.period, per_second),
            cap,
            credit: cap,
            last_tick: None,
        }
    }

    /// Whether a packet at `now_ns` is within the limit; it then pays.
    pub(super) fn admits(&mut self, now_ns: u64) -> bool {
        let tick = u128::from(now_ns) * u128::from(self.tick_hz) / 1_000_000_000;
        let tick =
            u64::try_from(tick).expect("at most as large as now_ns for any timer below 1 GHz");
        let elapsed = tick.wrapping_sub(self.last_tick.unwrap_or(tick));
        self.last_tick = Some(tick);
        let gained = low_half(elapsed.wrapping_mul(u64::from(self.credits_per_tick)));
        self.credit = self.credit.wrapping_add(gained).min(self.cap);
        let admitted = self.credit >= self.cost;
        if admitted {
            self.credit -= self.cost;
        }
        admitted
    }
}

/// `periods` in credits; divides first where multiplying would overflow, and loses precision then.
fn credits(periods: u32, per_second: u32) -> u32 {
    if periods > u32::MAX / per_second {
        (periods / PERIODS_PER_SECOND).wrapping_mul(per_second)
    } else {
        periods * per_second / PERIODS_PER_SECOND
    }
}

fn low_half(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).expect("masked to 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// The arrival times that a bucket admits, in milliseconds.
    fn admitted(limit: Limit, arrivals_ms: &[u64]) -> Vec<u64> {
        let mut bucket = TokenBucket::new(limit, 250).expect("valid limit");
        arrivals_ms.iter().copied().filter(|at| bucket.admits(at * MS)).collect()
    }

    #[test]
    fn burst_passes_at_once_then_one_per_period() {
        let five_a_second = Limit { period: 2_000, burst: 3 };
        let arrivals = [0, 0, 0, 0, 100, 196, 200, 204, 399, 400, 2000, 2000, 2000, 2000];
        let expected = [0, 0, 0, 200, 400, 2000, 2000, 2000];
        assert_eq!(admitted(five_a_second, &arrivals), expected);
    }

    #[test]
    fn time_counts_in_whole_ticks() {
        let every_tick = Limit { period: 40, burst: 1 };
        assert_eq!(admitted(every_tick, &[0, 3, 4, 7, 8, 11, 13]), [0, 4, 8, 13]);
    }

    #[test]
    fn short_periods_round_to_less_than_a_tick() {
        // 10,000 packets a second cost 3 credits of 128 per 4 ms tick: 42 packets per tick.
        let limit = Limit { period: 1, burst: 1000 };
        let mut bucket = TokenBucket::new(limit, 250).expect("valid limit");
        let burst = (0..5000).filter(|_| bucket.admits(0)).count();
        let tick = (0..5000).filter(|_| bucket.admits(4 * MS)).count();
        assert_eq!((burst, tick), (1066, 43), "3200 / 3, then (2 left + 128) / 3");
    }

    #[test]
    fn refused_limits_are_those_the_kernel_refuses() {
        assert!(TokenBucket::new(Limit { period: 1, burst: 0 }, 250).is_none());
        let day = 864_000_000;
        assert!(TokenBucket::new(Limit { period: day, burst: 1 }, 250).is_some());
        assert!(TokenBucket::new(Limit { period: day, burst: 5 }, 250).is_none());
    }
}
