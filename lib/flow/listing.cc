#include "flow/listing.h"

#include <algorithm>

namespace mayfly::flow {
namespace {

ListedConnection listed(const ConnectionBlock& b, Instant now) {
  return {.state = b.tcp.state,
          .age = now - b.opened_at,
          .srtt_us = b.tcp.srtt_us,
          .rto_us = b.tcp.rto_us,
          .cwnd = b.tcp.cwnd,
          .to_send = b.tx.queued(),
          .unread = b.rx.unread(),
          .retransmits = b.retransmits};
}

}  // namespace

bool ListFilter::takes(const FlowKey4& key, tcp::State state) const noexcept {
  if (!states.has(state)) return false;
  // Neither the addresses nor the ports of an IPv6 entry are known.
  if (key.is_ipv6_name()) return !peer && port == 0;
  return (!peer || peer->covers(key.remote())) &&
         (port == 0 || key.local_port_host() == port || key.remote_port_host() == port);
}

bool ListFilter::takes(const FlowKey6& key, tcp::State state) const noexcept {
  return states.has(state) && (!peer || peer->covers(key.remote)) &&
         (port == 0 || key.local_port_host() == port || key.remote_port_host() == port);
}

void Listing::begin(const ListFilter& filter, Instant as_of, const Place& place, std::size_t most) {
  filter_ = filter;
  as_of_ = as_of;
  place_ = place;
  most_ = std::min(most, kFoundMax);
  found_.clear();
}

bool Listing::step(const Connections& connections, const TimeWaits& time_waits,
                   Instant now) noexcept {
  if (place_.part == Place::Part::connections) {
    look_at_blocks(connections, now);
    // The newest entry first: what moves in the log moves away from the place.
    if (place_.next >= connections.fresh() && !is_full())
      place_ = {Place::Part::time_wait, time_waits.log().end()};
  } else if (place_.part == Place::Part::time_wait) {
    look_at_records(time_waits.log(), now);
  }
  return place_.part == Place::Part::end || is_full();
}

void Listing::look_at_blocks(const Connections& connections, Instant now) noexcept {
  const std::uint32_t fresh = connections.fresh(), from = std::min(place_.next, fresh);
  const std::uint32_t last = from + std::min(kBlocksAStep, fresh - from);
  for (; place_.next < last && !is_full(); ++place_.next) {
    const ConnectionBlock& b = connections.block(place_.next);
    if (b.tcp.state == tcp::State::closed || b.opened_at > as_of_) continue;
    ListedConnection one = listed(b, now);
    if (connections.is_ipv6(b)) {
      one.six = connections.key6_of(b);
    } else {
      one.key = connections.key_of(b);
    }
    show(one);
  }
}

void Listing::look_at_records(const TimeWaitLog& log, Instant now) noexcept {
  const auto before = log.look_back(
      place_.next, kRecordsAStep, [&](const TimeWaitRecord& record, std::uint32_t cls) {
        const Duration age = record.age(now);
        // The hold began later, as that of a connection which was shown before; in whole ms.
        const bool is_later = now.us / 1'000 - age.ms() > as_of_.us / 1'000;
        if (is_later || record.entry.has_ended()) return true;
        show({.key = record.key(),
              .state = tcp::State::time_wait,
              .age = age,
              .left = std::max(Duration{}, log.hold_of(cls) - age)});
        return !is_full();
      });
  place_ = before ? Place{Place::Part::time_wait, *before} : Place{Place::Part::end, 0};
}

void Listing::show(const ListedConnection& one) noexcept {
  if (one.six ? filter_.takes(*one.six, one.state) : filter_.takes(one.key, one.state))
    found_.push_back(one);
}

}  // namespace mayfly::flow
