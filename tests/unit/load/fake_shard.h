// A shard without a stack: connections that a test drives by hand, in virtual time. It keeps the
// promises of shard/app.h, so what an app does with it is what it does with the real one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "shard/app.h"
#include "wire/flow_key.h"

namespace mayfly::testing {

enum class FakeConnectError { none, table_full, tuple_in_use, time_wait };
struct FakeConnectResult {
  FakeConnectError error = FakeConnectError::none;
  std::uint64_t id = 0;
};

/// One connection of ours.
struct FakeFlow {
  FlowKey4 key;
  flow::AppState state;
  Instant wake_at = Instant::never();
  std::string sent;
  bool closed = false, closed_both = false, aborted = false, peer_closed = false;
  bool challenged = false;
  tcp::State last_state = tcp::State::established;
};

template <class App>
class FakeShard {
 public:
  class Conn {
   public:
    Conn(FakeShard& shard, FakeFlow& flow) : shard_(shard), flow_(flow) {}
    flow::AppState& state() noexcept { return flow_.state; }
    Instant now() const noexcept { return shard_.now; }
    bool was_challenged() const noexcept { return flow_.challenged; }
    tcp::State last_state() const noexcept { return flow_.last_state; }
    std::size_t send(std::span<const std::byte> bytes) noexcept {
      if (!shard_.room_to_send) return 0;
      flow_.sent.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return bytes.size();
    }
    void close() noexcept { flow_.closed = true; }
    void close_both() noexcept { flow_.closed = flow_.closed_both = true; }
    void abort() noexcept { flow_.aborted = true; }
    void wake_at(Instant when) noexcept { flow_.wake_at = when; }

   private:
    FakeShard& shard_;
    FakeFlow& flow_;
  };

  FakeShard(App& app, Duration hold) : app_(app), hold_(hold) {}

  void expect(std::span<const FlowKey4> keys) { expected.assign(keys.begin(), keys.end()); }
  void expect(std::span<const FlowKey6> keys) { expected6.assign(keys.begin(), keys.end()); }
  bool frames_wait() const noexcept { return has_frames; }
  void look_for(Ipv4Address, Ipv4Address, Instant) noexcept { ++looked_for; }
  Ipv4Address silent_hop(Ipv4Address, Ipv4Address) const noexcept { return silent; }
  void look_for(const Ipv6Address&, const Ipv6Address&, Instant) noexcept { ++looked_for; }
  Ipv6Address silent_hop(const Ipv6Address&, const Ipv6Address&) const noexcept { return silent6; }

  FakeConnectResult connect(const FlowKey4& key, const flow::AppState& state, Instant wake_at,
                            std::uint32_t) noexcept {
    ++connects;
    const auto name = name_of(key);
    if (by_key_.contains(name)) return {FakeConnectError::tuple_in_use};
    if (const auto held = held_.find(name); held != held_.end() && held->second > now)
      return {FakeConnectError::time_wait};
    if (flows.size() >= capacity) return {FakeConnectError::table_full};
    const std::uint64_t id = ++last_id_;
    flows[id] = {.key = key, .state = state, .wake_at = wake_at};
    by_key_[name] = id;
    opened.push_back(key);
    return {FakeConnectError::none, id};
  }

  /// Over IPv6: kept under the last 32 bits of each address.
  FakeConnectResult connect(const FlowKey6& key, const flow::AppState& state, Instant wake_at,
                            std::uint32_t host) noexcept {
    opened6.push_back(key);
    return connect(FlowKey4::of({key.local.low()}, key.local_port_host(), {key.remote.low()},
                                key.remote_port_host()),
                   state, wake_at, host);
  }

  /// One poll at `at`: what is due wakes, what was aborted ends, the app may connect.
  void poll(Instant at) {
    now = at;
    for (auto& [id, flow] : flows) {
      if (flow.wake_at > now) continue;
      flow.wake_at = Instant::never();
      Conn conn(*this, flow);
      app_.on_wake(conn);
    }
    settle();
    app_.on_poll(*this, now);
  }
  void poll() { poll(now); }

  // -- what the peer does; the newest connection unless told otherwise
  // -------------------------------
  void answers_syn(std::uint64_t id = 0) {
    Conn conn(*this, flow(id));
    app_.on_open(conn);
    settle();
  }
  void says(std::string_view text, std::uint64_t id = 0) {
    Conn conn(*this, flow(id));
    const auto taken = app_.on_data(conn, std::as_bytes(std::span(text)));
    if (taken != text.size()) ++texts_not_taken;
    settle();
  }
  /// Its FIN. A connection that we have closed too is over with that.
  void closes(std::uint64_t id = 0) {
    const std::uint64_t which = id_or_last(id);
    FakeFlow& f = flow(which);
    const bool we_first = f.closed;
    f.peer_closed = true;
    Conn conn(*this, f);
    app_.on_peer_closed(conn);
    settle();
    if (!flows.contains(which) || !flow(which).closed) return;
    if (we_first) held_[name_of(flow(which).key)] = now + hold_;
    ends(we_first ? flow::CloseReason::time_wait : flow::CloseReason::done, which);
  }
  /// The connection ends in any other way.
  void ends(flow::CloseReason why, std::uint64_t id = 0) {
    const std::uint64_t which = id_or_last(id);
    Conn conn(*this, flow(which));
    app_.on_closed(conn, why);
    by_key_.erase(name_of(flow(which).key));
    flows.erase(which);
  }
  void abort_all() {
    for (auto& [id, flow] : flows) flow.aborted = true;
    settle();
  }

  FakeFlow& flow(std::uint64_t id = 0) { return flows.at(id_or_last(id)); }

  Instant now{};
  Ipv4Address silent;       ///< the next hop, if it does not answer ARP
  Ipv6Address silent6;      ///< the same over IPv6
  int looked_for = 0;       ///< look_for() calls
  bool has_frames = false;  ///< more frames than one poll takes
  std::size_t capacity = 1'000'000;
  bool room_to_send = true;
  std::uint64_t connects = 0, texts_not_taken = 0;
  std::map<std::uint64_t, FakeFlow> flows;
  std::vector<FlowKey4> opened;
  std::vector<FlowKey6> opened6;    ///< of them those over IPv6
  std::vector<FlowKey4> expected;   ///< of the last expect()
  std::vector<FlowKey6> expected6;  ///< the same over IPv6

 private:
  using Name = std::pair<std::uint32_t, std::uint16_t>;
  static Name name_of(const FlowKey4& key) { return {key.local_ip, key.local_port}; }
  std::uint64_t id_or_last(std::uint64_t id) const { return id != 0 ? id : flows.rbegin()->first; }

  void settle() {
    std::vector<std::uint64_t> aborted;
    for (const auto& [id, flow] : flows)
      if (flow.aborted) aborted.push_back(id);
    for (const std::uint64_t id : aborted) ends(flow::CloseReason::aborted, id);
  }

  App& app_;
  Duration hold_;
  std::uint64_t last_id_ = 0;
  std::map<Name, std::uint64_t> by_key_;
  std::map<Name, Instant> held_;
};

}  // namespace mayfly::testing
