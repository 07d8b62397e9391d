#include "world/host_oracle.h"

#include <fmt/format.h>

#include <algorithm>

#include "flow/block.h"
#include "net/family.h"
#include "tcp/tcp.h"
#include "wire/print.h"
#include "world/end_app.h"

namespace mayfly::world {
namespace {

/// A timer fires at the first tick at or after its deadline (timer/wheel.h).
constexpr Duration kTick = Duration::from_ms(1);

}  // namespace

HostOracle::HostOracle(const HostPlan& plan, bool ipv6, BookOracle& book, Judge& judge)
    : plan_(plan), ipv6_(ipv6), book_(book), judge_(judge) {
  const flow::TimeWaitPolicy& policy = plan.settings.time_wait;
  knows_hold_ = !policy.balance && !policy.recycle && policy.nearness.empty();
}

void HostOracle::started(const flow::Connections& connections, const flow::TimeWaits& time_waits,
                         const flow::ShardStats& stats) {
  connections_ = &connections;
  time_waits_ = &time_waits;
  stats_ = &stats;
  shadows_.assign(connections.capacity(), {});
  held_.clear();
  missed_early_ = 0;
}

void HostOracle::time_wait_begun(const FlowKey4& key, Instant now) {
  // They end in the order in which they began, as all are held equally long.
  MAYFLY_ASSERT(held_.empty() || held_.back().until <= now + plan_.settings.time_wait.hold);
  if (knows_hold_) held_.push_back({key, now + plan_.settings.time_wait.hold});
}

void HostOracle::polled(Instant now) {
  MAYFLY_ASSERT(connections_ != nullptr);
  book_.look();
  // All blocks of a small world at each step; of a large one, some.
  constexpr std::uint32_t kAll = 256, kSome = 4;
  const std::uint32_t blocks = connections_->fresh();
  const bool every_step = blocks <= kAll;
  const std::uint32_t count = every_step ? blocks : kSome;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (next_block_ >= blocks) next_block_ = 0;
    look_at_block(next_block_++, every_step, now);
  }
  look_at_holds(now);
  look_at_frames(now);
}

void HostOracle::look_at_block(std::uint32_t index, bool every_step, Instant now) {
  MAYFLY_ASSERT(index < shadows_.size());
  const flow::ConnectionBlock& b = connections_->block(index);
  BlockShadow& shadow = shadows_[index];
  if (shadow.generation != b.generation) shadow = {.generation = b.generation};
  if (b.tcp.state == tcp::State::closed) return;
  const tcp::TcpSettings& tcp = plan_.settings.tcp;
  std::string broken = broken_invariant(b.tcp);
  if (broken.empty()) broken = broken_bounds(b.tcp, tcp);
  if (broken.empty()) broken = broken_progress(shadow.connection, b.tcp, tcp, now, every_step);
  const Instant due = std::min(next_deadline(b.tcp), b.wake_at);
  const bool waits = b.tcp.has(flow::block_flag::pending);  // for a frame buffer
  if (broken.empty() && !waits && may_stand_still(b.tcp))
    broken = "something waits, and no timer runs for it";
  if (broken.empty() && !waits && !due.is_never() && !connections_->fires_by(b, due))
    broken = "a timer is lost";
  if (broken.empty()) return;
  const FlowKey4 key = key_of(*connections_, b);
  violated(
      now, "connection",
      fmt::format("{}:{} > {}:{} in {}: {}", to_string(key.local()), key.local_port_host(),
                  to_string(key.remote()), key.remote_port_host(), name_of(b.tcp.state), broken));
}

// When the entry ends, if it is there and its time runs.
std::optional<Instant> HostOracle::end_of(const FlowKey4& key, Instant now) const {
  const flow::FlowTable& table = connections_->table();
  const FlowKey4 name = ipv6_ ? table.name(net::six_of(key)) : key;
  const std::uint32_t entry = time_waits_->find(name, table.hash(name));
  if (entry == kNoIndex) return std::nullopt;
  if (!time_waits_->log().is_held(entry)) return Instant::never();  // a new SYN is on trial
  const Duration age = time_waits_->log()[entry].age(now);
  return now - age + plan_.settings.time_wait.hold;
}

std::uint64_t HostOracle::ended_early() const {
  const flow::ShardStats& s = *stats_;
  return s.time_wait_evicted.get() + s.time_wait_reused.get() + s.time_wait_killed.get() +
         s.time_wait_shortened.get();
}

std::uint64_t HostOracle::reopened() const {
  return stats_->time_wait_reopened_timestamp.get() + stats_->time_wait_reopened_sequence.get();
}

void HostOracle::opened(const FlowKey4& key) {
  constexpr std::size_t kFew = 4'096;  // in a large world no four-tuple is wanted so soon again
  if (held_.size() <= kFew) std::erase_if(held_, [&](const Held& held) { return held.key == key; });
}

// RFC 9293 3.6.1, MUST-13. The entry that is to end next is looked for at each step.
void HostOracle::look_at_holds(Instant now) {
  while (!held_.empty() && held_.front().until + kTick * 2 <= now) {
    const Held held = held_.front();
    held_.pop_front();
    const auto end = end_of(held.key, now);  // a FIN that came again holds it anew
    if (end && *end + kTick * 2 <= now)
      violated(now, "timer", to_string(held.key.remote()) + ": TIME_WAIT never ends");
  }
  if (held_.empty() || held_.front().until <= now || end_of(held_.front().key, now)) return;
  held_.pop_front();
  if (++missed_early_ > ended_early())
    violated(now, "hold", "a TIME_WAIT entry ended before its time");
}

void HostOracle::look_at_frames(Instant now) {
  const std::uint64_t fates =
      stats_->rx_handled.get() + stats_->rx_dropped() + stats_->syn_backlog.get();
  if (fates != stats_->rx_packets.get())
    violated(
        now, "frames",
        fmt::format("{} frames came, {} were handled or dropped", stats_->rx_packets.get(), fates));
}

void HostOracle::look_at_end(Instant now) {
  MAYFLY_ASSERT(connections_ != nullptr);
  const flow::ShardStats& s = *stats_;
  const auto empty = [&](const char* what, std::uint64_t left) {
    if (left > 0) violated(now, "left behind", fmt::format("{} {}", left, what));
  };
  empty("connection blocks", connections_->used());
  empty("flows", connections_->table().used());
  empty("TIME_WAIT entries", time_waits_->used());
  empty("send extents", connections_->tx().extents.used());
  empty("send chunks", connections_->tx().chunks.used());
  empty("receive buffers", connections_->rx().used());
  empty("loss records", connections_->loss_records().used());
  const std::uint64_t begun = s.time_wait_opened.get() + s.time_wait_restored.get();
  const std::uint64_t ended =
      s.time_wait_expired.get() + ended_early() + reopened() - s.time_wait_shortened.get();
  if (begun != ended)
    violated(now, "left behind", fmt::format("{} TIME_WAIT entries began, {} ended", begun, ended));
}

void HostOracle::violated(Instant now, const char* oracle, std::string what) {
  judge_.violated(now, oracle, plan_.name + ": " + what);
}

}  // namespace mayfly::world
