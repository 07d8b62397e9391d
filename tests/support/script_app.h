// An app that does what a test tells it to. Untold, it takes all text, says nothing and closes
// never.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shard/shard.h"
#include "support/mem_port.h"

namespace mayfly::testing {

class ScriptApp;
using ScriptShard = shard::Shard<MemPort, ScriptApp>;
using ScriptConn = flow::Conn;

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class ScriptApp : public shard::AppBase {
 public:
  using AppBase::finished;
  using AppBase::next_due, AppBase::on_settings, AppBase::stop, AppBase::on_drain;
  bool listens(std::uint16_t port) const noexcept { return port == 80; }
  void on_open(ScriptConn& c) noexcept {
    ++opened;
    if (open) open(c);
  }
  std::size_t on_data(ScriptConn& c, std::span<const std::byte> text) noexcept {
    const std::string_view said(reinterpret_cast<const char*>(text.data()), text.size());
    const std::size_t taken = data ? data(c, said) : said.size();
    heard += said.substr(0, taken);
    return taken;
  }
  void on_sent(ScriptConn& c) noexcept {
    if (sent) sent(c);
  }
  void on_peer_closed(ScriptConn& c) noexcept {
    ++peers_closed;
    if (peer_closed) peer_closed(c);
  }
  void on_wake(ScriptConn& c) noexcept {
    ++woken;
    if (wake) wake(c);
  }
  void on_closed(ScriptConn&, flow::CloseReason why) noexcept { closed.push_back(why); }
  void on_poll(ScriptShard& shard, Instant) noexcept {
    if (!poll) return;
    const auto once = std::exchange(poll, nullptr);
    once(shard);
  }

  /// Back to doing nothing.
  void forget() {
    open = sent = peer_closed = wake = nullptr;
    data = nullptr;
    poll = nullptr;
  }

  std::function<void(ScriptConn&)> open, sent, peer_closed, wake;
  std::function<std::size_t(ScriptConn&, std::string_view)> data;
  std::function<void(ScriptShard&)> poll;  ///< called once

  std::string heard;  ///< all text taken, of all connections
  unsigned opened = 0, peers_closed = 0, woken = 0;
  std::vector<flow::CloseReason> closed;
};

}  // namespace mayfly::testing

namespace mayfly::shard {

extern template class Shard<testing::MemPort, testing::ScriptApp>;  // made once, in wire.cc

}  // namespace mayfly::shard
