// A server shard and a client shard on the two ends of a wire in memory, with virtual time.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "shard/shard.h"
#include "support/mem_port.h"

namespace mayfly::testing {

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// Answers every request (any text) with "pong" and closes when the peer has.
struct PongApp : shard::AppBase {
  using AppBase::on_drain, AppBase::finished;
  using AppBase::on_poll, AppBase::next_due, AppBase::on_settings, AppBase::stop;
  bool listens(std::uint16_t port) const noexcept { return port == 80; }
  template <class Conn>
  void on_open(Conn&) noexcept {
    ++opened;
  }
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    ++requests;
    c.send(as_bytes("pong"));
    return text.size();
  }
  template <class Conn>
  void on_sent(Conn&) noexcept {}
  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    c.close();
  }
  template <class Conn>
  void on_wake(Conn&) noexcept {}
  template <class Conn>
  void on_closed(Conn&, flow::CloseReason why) noexcept {
    last = why;
    ++closed;
  }

  unsigned opened = 0, requests = 0, closed = 0;
  flow::CloseReason last = flow::CloseReason::done;
};

/// Opens `to_open` connections, one a poll; sends "ping" and closes first when the answer is there.
struct PingApp : shard::AppBase {
  using AppBase::listens, AppBase::on_settings, AppBase::stop;
  using AppBase::on_drain, AppBase::finished;
  /// At once, while there is one to open.
  Instant next_due() const noexcept { return opened < to_open ? Instant{} : Instant::never(); }
  template <class S>
  void on_poll(S& shard, Instant) noexcept {
    if (opened == to_open) return;
    ++opened;
    const auto key =
        FlowKey4::of({0xc612'0101}, static_cast<std::uint16_t>(40'000 + opened), {0xc612'0001}, 80);
    if (shard.connect(key, {}).error != shard::ConnectError::none) ++refused;
  }
  template <class Conn>
  void on_open(Conn& c) noexcept {
    c.send(as_bytes("ping"));
  }
  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    ++answered;
    c.close_both();
    return text.size();
  }
  template <class Conn>
  void on_sent(Conn&) noexcept {}
  template <class Conn>
  void on_peer_closed(Conn&) noexcept {}
  template <class Conn>
  void on_wake(Conn&) noexcept {}
  template <class Conn>
  void on_closed(Conn&, flow::CloseReason why) noexcept {
    last = why;
    ++closed;
  }

  unsigned to_open = 0, opened = 0, refused = 0, answered = 0, closed = 0;
  flow::CloseReason last = flow::CloseReason::done;
};

inline shard::ShardConfig shard_config(std::string name, std::uint32_t address,
                                       std::uint8_t station) {
  shard::ShardConfig config;
  config.name = std::move(name);
  config.sizes = {.connections = 1'000, .time_wait = 1'000, .chunks = 64, .receive_buffers = 8};
  config.secret = {1, station};
  config.pages = HugePages::never;
  link::Interface interface;
  interface.mac = {{2, 0, 0, 0, 0, station}};
  interface.addresses = {{{address}, {address}, 15}};
  config.interfaces = {interface};
  return config;
}

template <class ServerApp = PongApp, class ClientApp = PingApp>
struct ShardPair {
  ShardPair() {
    MemPort::join(server_port, client_port);
    MemPort* const ports[] = {&server_port, &client_port};
    server = std::move(*shard::Shard<MemPort, ServerApp>::create(
        shard_config("server", 0xc612'0001, 1), std::span(ports).first(1), server_app, settings,
        now));
    client = std::move(*shard::Shard<MemPort, ClientApp>::create(
        shard_config("client", 0xc612'0101, 2), std::span(ports).last(1), client_app, settings,
        now));
  }
  /// Both ends are polled every 100 us of virtual time.
  void run_for(Duration span) {
    for (const Instant end = now + span; now < end; now = now + 100_us) {
      client->poll(now);
      server->poll(now);
    }
  }

  /// Other settings, from the next poll on.
  void server_uses(const shard::ShardSettings& other, typename ServerApp::Settings app = {}) {
    server->use(server_settings.emplace_back(
        shard::Snapshot<typename ServerApp::Settings>{other, app, server_settings.size() + 1}));
  }
  void client_uses(const shard::ShardSettings& other, typename ClientApp::Settings app = {}) {
    client->use(client_settings.emplace_back(
        shard::Snapshot<typename ClientApp::Settings>{other, app, client_settings.size() + 1}));
  }

  Instant now{1'000'000};
  shard::ShardSettings settings;
  std::deque<shard::Snapshot<typename ServerApp::Settings>> server_settings;  // what came later
  std::deque<shard::Snapshot<typename ClientApp::Settings>> client_settings;
  MemPort server_port, client_port;
  ServerApp server_app;
  ClientApp client_app;
  std::unique_ptr<shard::Shard<MemPort, ServerApp>> server;
  std::unique_ptr<shard::Shard<MemPort, ClientApp>> client;
};
using Pair = ShardPair<>;

}  // namespace mayfly::testing
