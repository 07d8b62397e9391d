// What a shard counts. One list makes the members of ShardStats, their keys in the JSON, their
// totals over cores and their lines in doc/json.md.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>

#include "base/counter.h"
#include "base/metric.h"
#include "base/time.h"
#include "flow/close_reason.h"
#include "flow/stage.h"
#include "tcp/state.h"
#include "wire/drop.h"

namespace mayfly::flow {

// X(kind, name, unit, key in the JSON, what is counted): base/metric.h describes these columns.
// A peak follows its gauge.
#define MAYFLY_SHARD_METRICS(X)                                                                  \
  X(counter, rx_packets, "frames", "packets.rx", "frames received")                              \
  X(counter, rx_handled, "frames", "packets.handled",                                            \
    "frames received and acted on: those that no reason for a drop counts")                      \
  X(counter, rx_bytes, "bytes", "bytes.rx", "bytes received, Ethernet headers included")         \
  X(counter, tx_packets, "frames", "packets.tx", "frames handed to the device")                  \
  X(counter, tx_bytes, "bytes", "bytes.tx", "bytes sent, Ethernet headers included")             \
  X(counter, accepted, "connections", "accepted", "connections that completed a passive open")   \
  X(counter, opened, "connections", "opened", "connections that began an active open")           \
  X(counter, syn_received, "segments", "syn.received", "SYNs that made a connection block")      \
  X(counter, syn_challenged, "segments", "syn.challenged",                                       \
    "SYNs of ours that an ACK of another connection answered, as of a TIME_WAIT at the peer: "   \
    "reset, and the SYN sent again at once")                                                     \
  X(gauge, syn_backlog, "segments", "syn.backlog",                                               \
    "SYNs that wait until the core keeps up with the frames that arrive")                        \
  X(gauge, half_open, "connections", "syn.half_open", "handshakes under way that peers began")   \
  X(counter, half_open_given_up, "connections", "syn.half_open_given_up",                        \
    "handshakes that were given up early because too many were under way")                       \
  X(counter, syn_cookies_sent, "segments", "syn.cookies_sent",                                   \
    "SYNs answered with a cookie instead of a block (RFC 4987)")                                 \
  X(counter, syn_cookies_accepted, "connections", "syn.cookies_accepted",                        \
    "connections made from a SYN cookie that came back")                                         \
  X(gauge, orphans, "connections", "orphans",                                                    \
    "connections that are closed here and wait for their peer")                                  \
  X(counter, send_extents_denied, "requests", "pools.send_extents_denied",                       \
    "runs not queued because the send extents were used up, or the connection's share of them")  \
  X(counter, send_chunks_denied, "requests", "pools.send_chunks_denied",                         \
    "copies not queued because the send chunks were used up, or the connection's share of them") \
  X(counter, loss_records_denied, "requests", "pools.loss_records_denied",                       \
    "losses and text out of order that a connection could not take note of, as all records "     \
    "were in use")                                                                               \
  X(counter, loss_records_reclaimed, "records", "pools.loss_records_reclaimed",                  \
    "records of losses that were repaired, or of text out of order, that were given to another " \
    "connection")                                                                                \
  X(counter, receive_buffers_reclaimed, "buffers", "pools.receive_buffers_reclaimed",            \
    "receive buffers with text out of order that were given to another connection")              \
  X(counter, retransmitted, "segments", "retransmitted", "segments sent again")                  \
  X(counter, rst_sent, "segments", "rst_sent", "RSTs sent")                                      \
  X(counter, rst_limited, "segments", "rst_limited", "RSTs not sent because of the rate limit")  \
  X(counter, challenges_limited, "segments", "challenges_limited",                               \
    "challenge ACKs not sent because of the limit over all connections")                         \
  X(counter, timestamps_missing, "connections", "timestamps_missing",                            \
    "connections on which a segment without the agreed timestamps was accepted")                 \
  X(counter, arp_limited, "packets", "arp.limited",                                              \
    "ARP requests and replies not sent because of the rate limit")                               \
  X(counter, arp_conflicts, "packets", "arp.conflicts",                                          \
    "ARP packets that gave a live neighbour another MAC address")                                \
  X(counter, arp_requests, "packets", "arp.requests", "ARP requests sent")                       \
  X(counter, arp_replies, "packets", "arp.replies", "ARP replies sent")                          \
  X(counter, nd_solicitations, "packets", "nd.solicitations", "neighbour solicitations sent")    \
  X(counter, nd_advertisements, "packets", "nd.advertisements",                                  \
    "neighbour advertisements sent as answers")                                                  \
  X(counter, nd_limited, "packets", "nd.limited",                                                \
    "neighbour discovery and MLD messages not sent because of the rate limit")                   \
  X(counter, nd_conflicts, "packets", "nd.conflicts",                                            \
    "neighbour discovery that gave a live neighbour another MAC address, or had an address of "  \
    "ours")                                                                                      \
  X(counter, nd_duplicates, "addresses", "nd.duplicates",                                        \
    "IPv6 addresses of ours that are off, as another host has them too")                         \
  X(counter, icmp_sent, "packets", "icmp_sent", "ICMP and ICMPv6 messages sent")                 \
  X(gauge, connections, "connections", "connections", "connection blocks in use now")            \
  X(peak, connections_peak, "connections", "connections_peak",                                   \
    "most connection blocks in use at once")                                                     \
  X(gauge, time_wait_now, "entries", "time_wait.now", "TIME_WAIT entries held now")              \
  X(peak, time_wait_peak, "entries", "time_wait.peak", "most TIME_WAIT entries held at once")    \
  X(counter, time_wait_opened, "entries", "time_wait.opened", "TIME_WAIT entries made")          \
  X(counter, time_wait_expired, "entries", "time_wait.expired",                                  \
    "TIME_WAIT entries that were held for their whole time")                                     \
  X(counter, time_wait_evicted, "entries", "time_wait.evicted",                                  \
    "TIME_WAIT entries ended early to make room for a newer one")                                \
  X(counter, time_wait_skipped, "connections", "time_wait.skipped",                              \
    "connections closed without a TIME_WAIT that was due: hold 0, or full and on_full: close")   \
  X(counter, time_wait_reopened_timestamp, "entries", "time_wait.reopened_by_timestamp",         \
    "TIME_WAIT entries ended by a SYN with a newer timestamp (RFC 6191)")                        \
  X(counter, time_wait_reopened_sequence, "entries", "time_wait.reopened_by_sequence",           \
    "TIME_WAIT entries ended by a SYN with a higher sequence number (RFC 6191)")                 \
  X(counter, time_wait_reused, "entries", "time_wait.reused",                                    \
    "TIME_WAIT entries ended by our own active open (time_wait.reuse)")                          \
  X(counter, time_wait_restored, "entries", "time_wait.restored",                                \
    "TIME_WAIT entries restored because the SYN that reopened them was an old duplicate (RFC "   \
    "9293 MAY-2)")                                                                               \
  X(counter, time_wait_carried_over, "entries", "time_wait.carried_over",                        \
    "TIME_WAIT entries that the process before has left (time_wait_file)")                       \
  X(counter, time_wait_restored_unclean, "entries", "time_wait.restored_unclean",                \
    "those of them that were checked one by one, as that process had been killed")               \
  X(counter, time_wait_imported, "entries", "time_wait.imported",                                \
    "TIME_WAIT entries taken from files of another server (mayfly state import)")                \
  X(counter, time_wait_import_refused, "entries", "time_wait.import_refused",                    \
    "those of them for which there was no room")                                                 \
  X(counter, time_wait_files_given_up, "files", "time_wait.files_given_up",                      \
    "files of a process before that were made for other sizes, cores or another secret")         \
  X(counter, time_wait_killed, "entries", "time_wait.killed",                                    \
    "TIME_WAIT entries ended by an accepted RST")                                                \
  X(counter, time_wait_killed_after_syn, "entries", "time_wait.killed_after_syn",                \
    "those of them that ended by the RST which answered the ACK of a SYN (rst: challenged)")     \
  X(counter, time_wait_syn_answered, "segments", "time_wait.syn_answered",                       \
    "SYNs refused by TIME_WAIT and answered with an ACK (time_wait.refuse_syn)")                 \
  X(counter, time_wait_fin_again, "segments", "time_wait.fin_again",                             \
    "FINs retransmitted to a TIME_WAIT and acknowledged again")                                  \
  X(counter, time_wait_taken_over, "entries", "time_wait.taken_over",                            \
    "TIME_WAIT entries taken over from a peer that closed first (time_wait.hand_over)")          \
  X(counter, time_wait_shortened, "entries", "time_wait.shortened",                              \
    "TIME_WAIT entries that end earlier because the hold became shorter")                        \
  X(level, time_wait_hold_us, "us", "time_wait.hold_s",                                          \
    "hold (2MSL) of a TIME_WAIT entry made now, if neither nearness nor recycle changes it")     \
  X(counter, cluster_sent_on, "segments", "cluster.sent_on",                                     \
    "segments of flows that are unknown here, sent on to the next server (cluster.members)")     \
  X(counter, cluster_skipped, "segments", "cluster.skipped",                                     \
    "those of them that passed over a server which does not answer on the link")                 \
  X(counter, cluster_taken_in, "segments", "cluster.taken_in",                                   \
    "segments that another server of the cluster has sent on to here")                           \
  X(counter, cluster_ours, "segments", "cluster.ours",                                           \
    "those of them whose connection or TIME_WAIT is here")                                       \
  X(counter, cluster_last_reset, "segments", "cluster.last_reset",                               \
    "those of them that nobody knew, this server being the last that was asked")                 \
  X(counter, cluster_decapsulated, "packets", "cluster.decapsulated",                            \
    "packets that came inside others from balancers (cluster.decapsulate_from)")                 \
  X(counter, exception_to_kernel, "frames", "exception.to_kernel",                               \
    "frames that are not ours, given to the kernel (ports.N.exception); not in packets.rx")      \
  X(counter, exception_from_kernel, "frames", "exception.from_kernel",                           \
    "frames of the kernel that were sent by our port (ports.N.exception); not in packets.tx")    \
  X(counter, rst_to_last_ack, "segments", "harm.rst_to_last_ack",                                \
    "RSTs that answered the FIN of a connection unknown here, as when its TIME_WAIT ended too "  \
    "early")                                                                                     \
  X(counter, reset_in_last_ack, "connections", "harm.reset_in_last_ack",                         \
    "connections of ours that were reset in LAST_ACK, as when the peer's TIME_WAIT ended too "   \
    "early")                                                                                     \
  X(counter, polls, "polls", "polls.all", "polls made")                                          \
  X(counter, busy_polls, "polls", "polls.busy", "polls that did work")                           \
  X(counter, cycles, "cycles", "cycles.all", "TSC cycles of all polls")                          \
  X(counter, busy_cycles, "cycles", "cycles.busy", "TSC cycles of the polls that did work")

/// The counters of one core. The core alone writes them; any thread may read them.
struct ShardStats {
#define MAYFLY_X(kind, name, unit, path, help) Counter name;
  MAYFLY_SHARD_METRICS(MAYFLY_X)
#undef MAYFLY_X
  /// At index i: entries evicted at an age below 2^i ms and not below 2^(i-1) ms; the last index
  /// also counts older ones.
  static constexpr std::size_t kAges = 21;
  std::array<Counter, kAges> time_wait_evicted_age;
  std::array<Counter, wire::kDropCount> drops;    ///< by Drop
  std::array<Counter, kCloseReasonCount> closed;  ///< by CloseReason
  /// Connections by TCP state, as of the end of the last poll that touched them. CLOSED and LISTEN
  /// count nothing.
  std::array<Counter, tcp::kStateCount> states;
  /// TSC cycles by Stage, of the polls that did work; zeroes in a build without the stage clock.
  std::array<Counter, kStageCount> stage_cycles;

  /// Counts a poll that took `spent` TSC cycles.
  void count_poll(std::uint64_t spent, bool did_work) noexcept {
    polls.add();
    cycles.add(spent);
    if (!did_work) return;
    busy_polls.add();
    busy_cycles.add(spent);
  }
  /// Counts an entry evicted at this age.
  void evicted_at(Duration age) noexcept {
    const auto ms = static_cast<std::uint64_t>(age.us / 1'000);
    time_wait_evicted.add();
    time_wait_evicted_age[std::min<std::size_t>(std::bit_width(ms), kAges - 1)].add();
  }
  /// Frames received and not acted on. rx_dropped() + rx_handled == rx_packets.
  std::uint64_t rx_dropped() const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < wire::kDropCount; ++i)
      if (concerns_received(static_cast<Drop>(i))) sum += drops[i].get();
    return sum;
  }
  /// A connection that was counted in the first state is in the second.
  void moved(tcp::State from, tcp::State to) noexcept {
    Counter& left = states[static_cast<std::size_t>(from)];
    if (from != tcp::State::closed) left.set(left.get() - 1);
    if (to != tcp::State::closed) states[static_cast<std::size_t>(to)].add();
  }
  void drop(Drop reason) noexcept { drops[static_cast<std::size_t>(reason)].add(); }
};

inline constexpr auto kShardMetrics = std::to_array<Metric<ShardStats>>({
#define MAYFLY_X(kind, name, unit, path, help) \
  {MetricKind::kind, #name, unit, path, help, &ShardStats::name},
    MAYFLY_SHARD_METRICS(MAYFLY_X)
#undef MAYFLY_X
});
static_assert(peaks_follow_gauges(kShardMetrics));

/// Calls `f(stage, cycles)` for each stage that took any: for none in a build without the stage
/// clock.
template <class F>
void for_each_counted_stage(const ShardStats& stats, F&& f) {
  for (std::size_t i = 0; i < kStageCount; ++i)
    if (const std::uint64_t cycles = stats.stage_cycles[i].get()) f(static_cast<Stage>(i), cycles);
}

/// The total over cores, by the kind of each metric. Drops, close reasons and ages are summed.
ShardStats total_of(std::span<const ShardStats> cores) noexcept;

}  // namespace mayfly::flow
