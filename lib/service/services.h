// The server's App: each connection is served by the service of the port it came in on. One
// instance per core.
#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <vector>

#include "service/closer.h"
#include "service/counters.h"
#include "service/echo.h"
#include "service/http.h"
#include "service/settings.h"
#include "service/site.h"
#include "service/state.h"
#include "shard/app.h"

namespace mayfly {

class Services {
 public:
  /// The memory of one instance, without the Site, which all cores share.
  static constexpr std::size_t kMemoryBytes = HttpService::kMemoryBytes;

  /// `settings` and `site` outlive the services.
  Services(const ServerSettings& settings, const Site& site)
      : listens_(settings.listen),
        close_(&settings.close),
        next_close_(&settings.close),
        policy_(settings.close),
        http_(settings.http, site, policy_, counters_),
        echo_(policy_, counters_),
        discard_(counters_) {}
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  const ServiceCounters& counters() const noexcept { return counters_; }
  const HttpService& http() const noexcept { return http_; }

  /// Changes who closes first, from the next poll on; a connection whose end has begun ends as it
  /// began. Any thread may call it; `close` must stay unchanged until another one has replaced it.
  void use(const CloseSettings& close) noexcept {
    next_close_.store(&close, std::memory_order_release);
  }

  template <class Shard>
  void on_poll(Shard&, Instant) noexcept {
    const CloseSettings* next = next_close_.load(std::memory_order_acquire);
    if (next == close_) [[likely]]
      return;
    close_ = next;
    policy_ = ClosePolicy(*next);
  }

  /// The server is about to end: no connection is kept for another request.
  void drain() noexcept { http_.drain(); }

  /// Once for each connection that is open when draining begins.
  template <class Conn>
  void on_drain(Conn& c) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) http_.on_drain(c, s);
  }

  template <class Conn>
  void on_open(Conn& c) noexcept {
    ServiceState& s = open_state(c);
    s.service = service_of(c.local_port());
    if (s.service == ServiceKind::http) http_.on_open(c);
  }

  template <class Conn>
  std::size_t on_data(Conn& c, std::span<const std::byte> text) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) [[likely]]
      return http_.on_data(c, s, text);
    return s.service == ServiceKind::echo ? echo_.on_data(c, s, text) : discard_.on_data(text);
  }

  template <class Conn>
  void on_sent(Conn& c) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) [[likely]]
      return http_.on_sent(c, s);
    echo_.on_sent(c, s);
  }

  template <class Conn>
  void on_peer_closed(Conn& c) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) [[likely]]
      return http_.on_peer_closed(c, s);
    policy_.on_peer_closed(c, s);
  }

  template <class Conn>
  void on_wake(Conn& c) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) [[likely]]
      return http_.on_wake(c, s);
    policy_.on_wake(c, s);
  }

  template <class Conn>
  void on_closed(Conn& c, CloseReason why) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) [[likely]]
      http_.on_closed(s);
    ClosePolicy::count(counters_, s, why);
  }

 private:
  ServiceKind service_of(std::uint16_t port) const noexcept {
    for (const ListenSettings& listen : listens_) {
      if (listen.port == port) return listen.service;
    }
    return ServiceKind::discard;  // not reached: the stack refuses SYNs for other ports
  }

  std::vector<ListenSettings> listens_;
  const CloseSettings* close_;  // what policy_ was made of
  std::atomic<const CloseSettings*> next_close_;
  ClosePolicy policy_;
  ServiceCounters counters_;
  HttpService http_;
  EchoService echo_;
  DiscardService discard_;
};

}  // namespace mayfly
