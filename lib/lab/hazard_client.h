// The clients of the hazard lab: each four-tuple carries one incarnation after the other, as soon
// as the policy of either end lets it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/prng.h"
#include "lab/hazard_ledger.h"
#include "lab/hazard_server.h"
#include "shard/shard.h"

namespace mayfly {

/// What the incarnations of a group of four-tuples are like.
struct HazardPlan {
  std::uint32_t request = 0, answer = 0;  ///< octets
  std::uint32_t incarnations = 0;         ///< of all its four-tuples together
  Duration pause_max{};                   ///< between two incarnations: 0 up to this
};

class HazardClient {
 public:
  /// A handshake that takes longer is given up: time for a SYN and three retransmissions.
  static constexpr Duration kHandshakeMax = Duration::from_s(10);
  /// After the stack refused a four-tuple because of our own TIME_WAIT.
  static constexpr Duration kAskAgain = Duration::from_ms(500);

  /// `ledger` outlives the app.
  HazardClient(HazardLedger& ledger, Closer first, std::uint64_t seed)
      : ledger_(ledger), first_(first), random_(seed) {}

  /// Before the first poll: `keys` (local = the client) follow `plan`.
  void add(const HazardPlan& plan, std::span<const FlowKey4> keys);

  /// The incarnation that has the four-tuple, numbered in the order of add(), or kNoIndex.
  std::uint32_t incarnation_of(std::size_t tuple) const noexcept {
    return tuples_[tuple].incarnation;
  }
  bool is_done() const noexcept { return left_ == 0 && open_ == 0; }
  Instant next_due() const noexcept { return left_ > 0 ? next_ready_ : Instant::never(); }

  template <class S>
  void on_poll(S& shard, Instant now) noexcept;
  template <class Conn>
  void on_open(Conn& c) noexcept;
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept;
  template <class Conn>
  void on_sent(Conn& c) noexcept {
    tuple_of(c).heard_at = c.now();
  }
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept;
  template <class Conn>
  void on_wake(Conn& c) noexcept;
  template <class Conn>
  void on_closed(Conn& c, CloseReason why) noexcept;

 private:
  struct Tuple {
    FlowKey4 key;
    std::size_t plan = 0;
    Instant ready_at, heard_at;
    std::uint32_t incarnation = kNoIndex;
    std::unique_ptr<HazardText> text;  ///< what the request repeats
  };

  template <class Conn>
  Tuple& tuple_of(Conn& c) noexcept {
    return tuples_[c.state().word[0]];
  }
  template <class Conn>
  Incarnation& incarnation_of(Conn& c) noexcept {
    return ledger_[tuple_of(c).incarnation];
  }
  template <class S>
  void start(S& shard, std::size_t index, Instant now) noexcept;
  template <class Conn>
  void close_as_planned(Conn& c, EndView& view) noexcept;

  HazardLedger& ledger_;
  Closer first_;
  Prng random_;
  std::vector<HazardPlan> plans_;
  std::vector<Tuple> tuples_;
  std::uint64_t left_ = 0, open_ = 0;
  Instant next_ready_;
};

inline void HazardClient::add(const HazardPlan& plan, std::span<const FlowKey4> keys) {
  for (const FlowKey4& key : keys)
    tuples_.push_back({.key = key, .plan = plans_.size(), .text = std::make_unique<HazardText>()});
  plans_.push_back(plan);
  left_ += plan.incarnations;
}

template <class S>
void HazardClient::on_poll(S& shard, Instant now) noexcept {
  if (now < next_ready_ || left_ == 0) return;
  next_ready_ = Instant::never();
  for (std::size_t i = 0; i < tuples_.size(); ++i) {
    Tuple& tuple = tuples_[i];
    if (tuple.incarnation != kNoIndex || plans_[tuple.plan].incarnations == 0) continue;
    if (tuple.ready_at <= now) start(shard, i, now);
    if (tuple.incarnation == kNoIndex) next_ready_ = std::min(next_ready_, tuple.ready_at);
  }
}

template <class S>
void HazardClient::start(S& shard, std::size_t index, Instant now) noexcept {
  Tuple& tuple = tuples_[index];
  HazardPlan& plan = plans_[tuple.plan];
  if (shard.connect(tuple.key, {{index}}, now + kHandshakeMax).error != ConnectError::none) {
    tuple.ready_at = now + kAskAgain;
    return;
  }
  tuple.incarnation = ledger_.begin(plan.request, plan.answer);
  tuple.heard_at = now;
  --plan.incarnations;
  --left_;
  ++open_;
}

template <class Conn>
void HazardClient::on_open(Conn& c) noexcept {
  Tuple& tuple = tuple_of(c);
  Incarnation& i = incarnation_of(c);
  i.client.opened = true;
  tuple.heard_at = c.now();
  write_text_of(i.tag, *tuple.text);
  c.send_repeating(*tuple.text, i.request);
  c.wake_at(c.now() + kHazardPatience);
}

template <class Conn>
std::size_t HazardClient::on_data(Conn& c, std::span<const std::byte> text) noexcept {
  Incarnation& i = incarnation_of(c);
  EndView& view = i.client;
  tuple_of(c).heard_at = c.now();
  const std::uint32_t end = view.received + static_cast<std::uint32_t>(text.size());
  if (end > i.answer || !is_text_of(i.tag, view.received, text)) ++i.old_data;
  view.received = end;
  if (end >= i.answer && !view.closed) close_as_planned(c, view);
  return text.size();
}

template <class Conn>
void HazardClient::close_as_planned(Conn& c, EndView& view) noexcept {
  if (first_ == Closer::server) return;  // its FIN comes, on_peer_closed answers it
  view.closed = true;
  view.aborted = first_ == Closer::reset;
  if (view.aborted) {
    c.abort();
  } else {
    c.close_both();
  }
}

template <class Conn>
void HazardClient::on_peer_closed(Conn& c) noexcept {
  Incarnation& i = incarnation_of(c);
  i.client.peer_closed = true;
  // The server closes after its answer: a FIN before that is another incarnation's.
  if (i.client.received < i.answer) ++i.old_data;
  if (i.client.closed) return;
  i.client.closed = true;
  c.close();
}

template <class Conn>
void HazardClient::on_wake(Conn& c) noexcept {
  EndView& view = incarnation_of(c).client;
  const Instant patience_ends = tuple_of(c).heard_at + kHazardPatience;
  if (view.opened && c.now() < patience_ends) return c.wake_at(patience_ends);
  view.gave_up = true;
  c.abort();
}

template <class Conn>
void HazardClient::on_closed(Conn& c, CloseReason why) noexcept {
  Tuple& tuple = tuple_of(c);
  EndView& view = incarnation_of(c).client;
  view.ended = true;
  view.reason = why;
  tuple.incarnation = kNoIndex;
  tuple.ready_at = c.now();
  if (const std::int64_t most = plans_[tuple.plan].pause_max.us; most > 0)
    tuple.ready_at.us += static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most)));
  next_ready_ = std::min(next_ready_, tuple.ready_at);
  --open_;
}

}  // namespace mayfly
