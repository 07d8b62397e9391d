// What a shard counts. One list makes the member and its name in the JSON.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/counter.h"
#include "base/time.h"
#include "flow/close_reason.h"
#include "wire/drop.h"

namespace mayfly {

// X(name, what is counted)
#define MAYFLY_SHARD_COUNTERS(X)                                                              \
  X(rx_packets, "frames received")                                                            \
  X(rx_handled, "frames received and acted on: all that have no reason among the drops")      \
  X(rx_bytes, "bytes received, Ethernet headers included")                                    \
  X(tx_packets, "frames handed to the device")                                                \
  X(tx_bytes, "bytes sent, Ethernet headers included")                                        \
  X(accepted, "connections that completed a passive open")                                    \
  X(opened, "connections that began an active open")                                          \
  X(syn_received, "SYNs that made a connection block")                                        \
  X(half_open, "handshakes under way that peers began")                                       \
  X(half_open_given_up, "of them ended early since there were too many")                      \
  X(syn_cookies_sent, "SYNs answered with a cookie instead of a block (RFC 4987)")            \
  X(syn_cookies_accepted, "cookies that came back and made a connection")                     \
  X(retransmitted, "segments sent again")                                                     \
  X(rst_sent, "RSTs sent")                                                                    \
  X(rst_limited, "RSTs held back by the rate limit")                                          \
  X(challenges_limited, "challenge ACKs held back by the limit over all connections")         \
  X(arp_limited, "ARP requests and replies held back by the rate limit")                      \
  X(arp_conflicts, "ARP packets that gave a live neighbour another MAC address")              \
  X(arp_requests, "ARP requests sent")                                                        \
  X(arp_replies, "ARP replies sent")                                                          \
  X(icmp_sent, "ICMP messages sent")                                                          \
  X(connections, "connection blocks in use now")                                              \
  X(connections_peak, "most connection blocks in use at once")                                \
  X(time_wait_now, "TIME_WAIT entries held now")                                              \
  X(time_wait_peak, "most TIME_WAIT entries held at once")                                    \
  X(time_wait_opened, "TIME_WAIT entries made")                                               \
  X(time_wait_expired, "held for their whole time")                                           \
  X(time_wait_evicted, "ended early to make room for a newer one")                            \
  X(time_wait_skipped, "closed without TIME_WAIT: hold 0, or full and the policy says close") \
  X(time_wait_reopened_timestamp, "ended by a SYN with a newer timestamp (RFC 6191)")         \
  X(time_wait_reopened_sequence, "ended by a SYN with a higher sequence number (RFC 6191)")   \
  X(time_wait_reused, "ended by our own active open (time_wait.reuse)")                       \
  X(time_wait_restored, "brought back since the SYN was an old duplicate (RFC 9293 MAY-2)")   \
  X(time_wait_killed, "ended by an accepted RST")                                             \
  X(time_wait_fin_again, "retransmitted FINs acknowledged again")                             \
  X(time_wait_taken_over, "taken over from a peer that closed first (time_wait.hand_over)")   \
  X(time_wait_shortened, "ended before their first deadline since the hold became shorter")   \
  X(time_wait_hold_us, "2MSL that an entry made now gets, where nothing else counts; us")     \
  X(rst_to_last_ack, "RSTs that answered the FIN of a connection unknown here")               \
  X(reset_in_last_ack, "our connections that were reset in LAST_ACK")                         \
  X(polls, "polls")                                                                           \
  X(busy_polls, "polls that did work")                                                        \
  X(cycles, "TSC cycles of all polls")                                                        \
  X(busy_cycles, "TSC cycles of the polls that did work")

struct ShardStats {
#define MAYFLY_X(name, help) Counter name;
  MAYFLY_SHARD_COUNTERS(MAYFLY_X)
#undef MAYFLY_X
  /// Entries evicted at an age below 2^i ms that were not below 2^(i-1) ms.
  static constexpr std::size_t kAges = 21;
  std::array<Counter, kAges> time_wait_evicted_age;
  std::array<Counter, kDropCount> drops;
  std::array<Counter, kCloseReasonCount> closed;  ///< by CloseReason

  void count_poll(std::uint64_t spent, bool did_work) noexcept {
    polls.add();
    cycles.add(spent);
    if (!did_work) return;
    busy_polls.add();
    busy_cycles.add(spent);
  }
  void evicted_at(Duration age) noexcept {
    const auto ms = static_cast<std::uint64_t>(age.us / 1'000);
    time_wait_evicted.add();
    time_wait_evicted_age[std::min<std::size_t>(std::bit_width(ms), kAges - 1)].add();
  }
  /// Frames received and not acted on. With rx_handled they are all of rx_packets, exactly.
  std::uint64_t rx_dropped() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kDropCount; ++i)
      if (concerns_received(static_cast<Drop>(i))) sum += drops[i].get();
    return sum;
  }
  void drop(Drop reason) noexcept { drops[static_cast<std::size_t>(reason)].add(); }
};

}  // namespace mayfly
