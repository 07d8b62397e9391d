// The app of a simulated host: it opens connections if it is a client, sends the text of the book,
// compares every octet that arrives with the book, and closes as planned. It notes anomalies in the
// book.
#pragma once

#include <algorithm>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include "net/family.h"
#include "shard/shard.h"
#include "world/book.h"
#include "world/scenario.h"

namespace mayfly::world {

/// The four-tuple of a connection as the book has it (net/family.h).
inline FlowKey4 key_of(const flow::Connections& connections, const flow::ConnectionBlock& b) {
  return connections.is_ipv6(b) ? net::four_of(connections.key6_of(b)) : connections.key_of(b);
}

class EndApp : public shard::AppBase {
 public:
  static constexpr std::uint16_t kPort = 7;  ///< of a server

  /// An end without progress for so long gives up. Far above the longest partition plus the longest
  /// RTO.
  static constexpr Duration kPatience = Duration::from_s(400);

  /// Finds the incarnation that the peer opened; kNoIndex = the book has none.
  using Recognise = std::function<std::uint32_t(const FlowKey4& key, Seq irs)>;
  /// An entry was made for this four-tuple; a connection with it stands.
  using TimeWaitBegun = std::function<void(const FlowKey4& key, Instant now)>;
  using Opened = std::function<void(const FlowKey4& key)>;

  struct Wiring {
    Recognise recognise;
    TimeWaitBegun time_wait_begun;  ///< may be empty
    Opened opened;                  ///< may be empty
    Duration rest{};                ///< of a four-tuple, before it is used again
    bool ipv6 = false;              ///< the family of connections that it opens
  };

  /// `plan` and `book` outlive the app.
  EndApp(const HostPlan& plan, const Traffic& traffic, Book& book, std::uint64_t seed,
         Wiring wiring)
      : plan_(plan), traffic_(traffic), book_(book), random_(seed), wiring_(std::move(wiring)) {}

  /// The shard's connections after it was made, or made again.
  void begin(const flow::Connections& connections) noexcept { connections_ = &connections; }
  /// A client's four-tuple, free from `from` on.
  void add_tuple(std::uint32_t tuple, Instant from) {
    MAYFLY_ASSERT(!plan_.is_server && book_.tuple(tuple).client == plan_.number);
    free_.push({from, tuple});
  }
  /// The host has crashed and lost its connections.
  void forget(Instant now) noexcept;
  /// From now on reads and answers come at once, and a four-tuple rests for `rest`.
  void be_plain(Duration rest) noexcept {
    traffic_.think_max = {};
    wiring_.rest = rest;
  }

  /// While it pauses, it opens no connection.
  void pause(bool pauses) noexcept { pauses_ = pauses; }

  Instant next_due() const noexcept {
    if (pauses_ || free_.empty() || book_.to_open(plan_.traffic) == 0) return Instant::never();
    return std::max(next_go_, free_.top().from);
  }

  using AppBase::on_settings, AppBase::stop, AppBase::on_drain, AppBase::finished;
  bool listens(std::uint16_t port) const noexcept { return plan_.is_server && port == kPort; }

  template <class S>
  void on_poll(S& shard, Instant now) noexcept {
    if (next_due() > now) return;
    next_go_ = now + some_of(traffic_.pause_max);
    std::uint64_t count = 1 + random_.below(traffic_.at_once);
    const auto is_one_free = [&] { return !free_.empty() && free_.top().from <= now; };
    for (; count > 0 && book_.to_open(plan_.traffic) > 0 && is_one_free(); --count)
      open(shard, now);
  }

  template <class Conn>
  void on_open(Conn& c) noexcept {
    const flow::ConnectionBlock& b = block_of(c);
    if (wiring_.opened) wiring_.opened(key_of(*connections_, b));
    if (c.passive()) c.state().word[0] = recognise(c, b);
    Incarnation* const i = incarnation_of(c);
    if (i == nullptr) return c.abort();
    EndView& view = view_of(*i);
    if (view.opened) return on_ghost(c, *i);
    if (plan_.is_server) accept(*i);
    book_.opened(view);
    view.heard_at = c.now();
    if (traffic_.greed != Greed::none) view.close_at = c.now() + traffic_.stay;
    act(c, *i, view);
  }

  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    Incarnation* const i = incarnation_of(c);
    if (i == nullptr) return text.size();
    EndView& view = view_of(*i);
    if (!plan_.is_server && traffic_.greed == Greed::reads_nothing) return 0;
    const std::size_t surplus = plan_.is_server ? surplus_in(*i, view, text.size()) : 0;
    if (surplus == text.size()) return surplus;
    text = text.first(text.size() - surplus);
    // The last chance to read what stands before a FIN is not missed.
    if (traffic_.think_max.us > 0 && !c.peer_closed() && random_.chance(0.3))
      text = text.first(1 + random_.below(text.size()));
    check(c, *i, view, text);
    view.received += static_cast<std::uint32_t>(text.size());
    view.heard_at = c.now();
    view.act_at = c.now() + some_of(traffic_.think_max);
    if (!plan_.is_server) talk(c, *i, view);
    act(c, *i, view);
    return view.received < expected_by(*i) ? text.size() : text.size() + surplus;
  }

  template <class Conn>
  void on_sent(Conn& c) noexcept {
    Incarnation* const i = incarnation_of(c);
    if (i == nullptr) return;
    EndView& view = view_of(*i);
    view.heard_at = c.now();
    const bool goes_on = traffic_.copies && !view.queued;
    if (goes_on || (c.unsent() == 0 && (waits_for_acknowledgement(*i) || view.lingers)))
      act(c, *i, view);
  }

  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    Incarnation* const i = incarnation_of(c);
    if (i == nullptr) return c.close();
    EndView& view = view_of(*i);
    if (view.received < expected_by(*i)) note(c, Anomaly::What::early_fin, *i);
    view.peer_closed = true;
    view.lingers = false;
    view.heard_at = c.now();
    act(c, *i, view);
  }

  template <class Conn>
  void on_wake(Conn& c) noexcept {
    Incarnation* const i = incarnation_of(c);
    if (i == nullptr) return;
    EndView& view = view_of(*i);
    if (!view.opened) {
      view.gave_up = i->parting != Parting::client_aborts;
      return c.abort();
    }
    const bool has_stayed = traffic_.greed != Greed::none && view.close_at <= c.now();
    if (view.heard_at + kPatience <= c.now() || has_stayed) {
      view.gave_up = true;
      return c.abort();
    }
    act(c, *i, view);
  }

  template <class Conn>
  void on_closed(Conn& c, flow::CloseReason why) noexcept {
    if (why == flow::CloseReason::time_wait && wiring_.time_wait_begun)
      wiring_.time_wait_begun(key_of(*connections_, block_of(c)), c.now());
    Incarnation* const i = incarnation_of(c);
    if (i == nullptr) return;
    EndView& view = view_of(*i);
    view.reason = why;
    book_.end(*i, view, c.now());
    if (!plan_.is_server) release(i->tuple, c.now());
  }

 private:
  struct Free {
    Instant from;
    std::uint32_t tuple;
    friend bool operator<(const Free& a, const Free& b) {
      return std::pair(a.from, a.tuple) > std::pair(b.from, b.tuple);  // the earliest on top
    }
  };

  template <class Conn>
  const flow::ConnectionBlock& block_of(Conn& c) const noexcept {
    MAYFLY_ASSERT(connections_ != nullptr);
    return connections_->block(static_cast<std::uint32_t>(c.id()));
  }
  template <class Conn>
  Incarnation* incarnation_of(Conn& c) noexcept {
    const std::uint64_t number = c.state().word[0];  // the index + 1
    return number == 0 ? nullptr : &book_[static_cast<std::uint32_t>(number - 1)];
  }
  EndView& view_of(Incarnation& i) const noexcept { return plan_.is_server ? i.server : i.client; }
  std::uint32_t expected_by(const Incarnation& i) const noexcept {
    return plan_.is_server ? i.request : i.answer;
  }
  static Instant after(Instant now, Duration span) noexcept {
    return span < Duration::max() ? now + span : Instant::never();
  }
  Duration some_of(Duration most) noexcept {
    if (most.us == 0) return most;
    return {1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(most.us)))};
  }

  void accept(Incarnation& i) noexcept {
    const FourTuple& tuple = book_.tuple(i.tuple);
    MAYFLY_ASSERT(tuple.is_routed || tuple.server == plan_.number);
    i.accepted_by = plan_.number;
  }
  template <class S>
  void open(S& shard, Instant now) noexcept;
  template <class Conn>
  std::uint64_t recognise(Conn& c, const flow::ConnectionBlock& b) noexcept;
  template <class Conn>
  void on_ghost(Conn& c, Incarnation& i) noexcept;
  template <class Conn>
  void check(Conn& c, Incarnation& i, const EndView& view,
             std::span<const std::byte> text) noexcept;
  template <class Conn>
  void act(Conn& c, Incarnation& i, EndView& view) noexcept;
  template <class Conn>
  void send_text(Conn& c, const Incarnation& i, EndView& view) noexcept;
  template <class Conn>
  void close(Conn& c, const Incarnation& i, EndView& view) noexcept;
  template <class Conn>
  void linger(Conn& c, EndView& view) noexcept;
  template <class Conn>
  void talk(Conn& c, const Incarnation& i, EndView& view) noexcept;
  std::size_t surplus_in(const Incarnation& i, const EndView& view,
                         std::size_t size) const noexcept;
  template <class Conn>
  void arrange_wake(Conn& c, EndView& view) noexcept;
  template <class Conn>
  void note(Conn& c, Anomaly::What what, const Incarnation& i) noexcept {
    book_.note({c.now(), what, plan_.number, book_.index_of(i)});
  }
  bool waits_for_acknowledgement(const Incarnation& i) const noexcept;
  bool may_send(const Incarnation& i, const EndView& view) const noexcept;
  bool may_close(const Incarnation& i, const EndView& view, Instant now) const noexcept;
  bool aborts_now(const Incarnation& i, const EndView& view, std::uint64_t unsent) const noexcept;
  void release(std::uint32_t tuple, Instant now) noexcept {
    free_.push({now + wiring_.rest + traffic_.rest_min + some_of(traffic_.rest_max), tuple});
  }

  const HostPlan& plan_;
  Traffic traffic_;
  Book& book_;
  Prng random_;
  Wiring wiring_;
  const flow::Connections* connections_ = nullptr;
  std::priority_queue<Free> free_;
  Instant next_go_;
  bool pauses_ = false;
};

template <class S>
void EndApp::open(S& shard, Instant now) noexcept {
  constexpr Duration kAskAgain = Duration::from_ms(500), kHandshake = Duration::from_ms(400);
  MAYFLY_ASSERT(!free_.empty() && free_.top().from <= now);
  const std::uint32_t tuple = free_.top().tuple;
  free_.pop();
  Incarnation& i = book_.begin(tuple, now);
  const std::uint32_t index = book_.index_of(i);
  // A client that does not wait for its handshake leaves SYNs behind that open nothing.
  const bool abandons = i.parting == Parting::client_aborts && random_.chance(0.5);
  const Instant wake_at = abandons ? now + some_of(kHandshake) : after(now, traffic_.handshake_max);
  const FlowKey4& key = book_.tuple(tuple).key;
  const shard::ConnectResult made = wiring_.ipv6
                                        ? shard.connect(net::six_of(key), {{index + 1}}, wake_at)
                                        : shard.connect(key, {{index + 1}}, wake_at);
  if (made.error != shard::ConnectError::none) {
    book_.cancel();
    free_.push({now + kAskAgain + wiring_.rest / 16, tuple});
    return;
  }
  i.iss = connections_->block(static_cast<std::uint32_t>(made.id)).tcp.iss;
}

template <class Conn>
std::uint64_t EndApp::recognise(Conn& c, const flow::ConnectionBlock& b) noexcept {
  const FlowKey4 key = key_of(*connections_, b);
  const std::uint32_t index = wiring_.recognise(key, b.tcp.irs);
  if (index == kNoIndex) book_.note({c.now(), Anomaly::What::unknown, plan_.number, kNoIndex});
  return index == kNoIndex ? 0 : std::uint64_t{index} + 1;
}

// A duplicate of a handshake's last ACK opens a connection again if its cookie is still good and
// nothing is left of the first (RFC 4987 3.6). Without a cookie that is a violation. But two
// servers of one address that get copies of a SYN in the same 4 us choose the same number (RFC
// 9293 3.4.1), and both stand if the ACK is copied to both as well.
template <class Conn>
void EndApp::on_ghost(Conn& c, Incarnation& i) noexcept {
  if (i.accepted_by != plan_.number) i.promised = false;
  note(c, Anomaly::What::accepted_twice, i);
  c.state().word[0] = 0;  // not the one that the book has
  c.abort();
}

// Octets delivered are those that the peer's end of this very incarnation sent, in order.
template <class Conn>
void EndApp::check(Conn& c, Incarnation& i, const EndView& view,
                   std::span<const std::byte> text) noexcept {
  const std::span<const std::byte> all = book_.text_of(i, plan_.is_server);
  const bool fits = view.received + text.size() <= all.size();
  if (fits && std::equal(text.begin(), text.end(), all.begin() + view.received)) return;
  note(c, Anomaly::What::foreign_text, i);
}

template <class Conn>
void EndApp::act(Conn& c, Incarnation& i, EndView& view) noexcept {
  MAYFLY_ASSERT(view.opened && !view.ended);
  MAYFLY_ASSERT(book_.host_of(i, plan_.is_server) == plan_.number);
  if (aborts_now(i, view, c.unsent())) return c.abort();
  const bool ready = view.act_at.is_never() || view.act_at <= c.now();
  if (ready && !view.queued && may_send(i, view)) send_text(c, i, view);
  const bool is_answered = view.queued && view.received >= expected_by(i) && c.unsent() == 0;
  if (is_answered && view.close_at.is_never() && waits_for_acknowledgement(i))
    view.close_at = after(c.now(), traffic_.grace);
  if (!view.closed && may_close(i, view, c.now())) close(c, i, view);
  if (view.lingers) linger(c, view);
  arrange_wake(c, view);
}

template <class Conn>
void EndApp::send_text(Conn& c, const Incarnation& i, EndView& view) noexcept {
  constexpr Duration kTryAgain = Duration::from_ms(50);
  auto text = book_.text_of(i, !plan_.is_server);
  if (!plan_.is_server && traffic_.greed == Greed::half_request)
    text = text.first((text.size() + 1) / 2);
  if (traffic_.copies && plan_.is_server) {
    view.sent += static_cast<std::uint32_t>(c.send_copy(text.subspan(view.sent)));
    view.queued = view.sent == text.size();
  } else {
    view.queued = c.send(text) == text.size();
  }
  // Out of memory: others will give some back.
  if (!view.queued) view.act_at = c.now() + kTryAgain;
}

template <class Conn>
void EndApp::close(Conn& c, const Incarnation& i, EndView& view) noexcept {
  view.closed = true;
  if (view.received < expected_by(i)) return c.close();
  view.lingers = plan_.is_server && i.chatter > 0 && !view.peer_closed && traffic_.linger.us > 0;
  return view.lingers ? c.close_and_drop() : c.close_both();
}

// The second stage (RFC 9112 9.6): a client that sends for so long has had its answer.
template <class Conn>
void EndApp::linger(Conn& c, EndView& view) noexcept {
  if (c.unsent() > 0) return;
  if (view.close_at.is_never()) view.close_at = c.now() + traffic_.linger;
  if (view.close_at > c.now()) return;
  view.lingers = false;
  view.lingered = true;
  c.close_both();
}

// A client says more while its answer comes.
template <class Conn>
void EndApp::talk(Conn& c, const Incarnation& i, EndView& view) noexcept {
  const bool may = i.parting == Parting::client_first || i.parting == Parting::server_first;
  if (i.chatter == 0 || !may || !view.queued || view.chattered || view.received >= i.answer) return;
  view.chattered = true;
  c.send(book_.chatter(i.chatter));
}

// How many of the next octets of its client are none of the request's.
inline std::size_t EndApp::surplus_in(const Incarnation& i, const EndView& view,
                                      std::size_t size) const noexcept {
  if (i.chatter == 0) return 0;
  return size - std::min<std::size_t>(size, i.request - std::min(view.received, i.request));
}

template <class Conn>
void EndApp::arrange_wake(Conn& c, EndView& view) noexcept {
  Instant wake_at = view.heard_at + kPatience;
  if (view.act_at > c.now()) wake_at = std::min(wake_at, view.act_at);
  if (!view.closed || view.lingers) wake_at = std::min(wake_at, view.close_at);
  c.wake_at(wake_at);
}

// Who ends a connection some time after its last octet was acknowledged.
inline bool EndApp::waits_for_acknowledgement(const Incarnation& i) const noexcept {
  if (!plan_.is_server) return false;
  return i.parting == Parting::server_resets ||
         (i.parting == Parting::client_first && traffic_.grace < Duration::max());
}

inline bool EndApp::may_send(const Incarnation& i, const EndView& view) const noexcept {
  if (!plan_.is_server || i.parting == Parting::both_at_once) return true;
  return view.received >= i.request || (traffic_.answers_early && view.received > 0);
}

inline bool EndApp::may_close(const Incarnation& i, const EndView& view,
                              Instant now) const noexcept {
  if (!view.queued || traffic_.greed != Greed::none) return false;
  const bool eager = i.parting == Parting::both_at_once || view.close_at <= now;
  if (plan_.is_server) {
    const bool is_first = i.parting == Parting::server_first && view.received >= i.request;
    return eager || view.peer_closed || is_first;
  }
  if (eager || view.peer_closed || i.parting == Parting::half_close) return true;
  return i.parting == Parting::client_first && view.received >= i.answer;
}

inline bool EndApp::aborts_now(const Incarnation& i, const EndView& view,
                               std::uint64_t unsent) const noexcept {
  if (traffic_.greed != Greed::none) return false;
  if (i.parting == Parting::client_resets) return !plan_.is_server && view.received >= i.answer;
  if (i.parting == Parting::server_resets)
    return plan_.is_server && view.queued && view.received >= i.request && unsent == 0;
  const Parting own = plan_.is_server ? Parting::server_aborts : Parting::client_aborts;
  return i.parting == own && view.received * std::uint64_t{2} >= expected_by(i);
}

inline void EndApp::forget(Instant now) noexcept {
  for (std::uint32_t index = 0; index < book_.size(); ++index) {
    Incarnation& i = book_[index];
    const bool ours = !plan_.is_server || i.server.opened;
    EndView& view = view_of(i);
    if (!ours || view.ended || plan_.number != book_.host_of(i, plan_.is_server)) continue;
    view.crashed = true;
    book_.end(i, view, now);
    if (!plan_.is_server) release(i.tuple, now);
  }
  connections_ = nullptr;  // until the host is up again
}

}  // namespace mayfly::world
