// The App of the server: each connection is served by the service of its local port. One object a
// core.
#pragma once

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

namespace mayfly::service {

/// What of the services may change while they run.
struct ServiceSettings {
  shard::CloseSettings close;  ///< a connection whose end has begun keeps to what it began
  const Site* site = nullptr;  ///< null: it and the two below are the same as before
  std::vector<ListenSettings> listen{};  ///< connections to other ports go on as they began
  HttpSettings http{};                   ///< but `date`; the routes are those of the site
};

/// The services of one core.

class Services : public shard::AppBase {
 public:
  using Settings = ServiceSettings;

  /// The memory of one object, without the Site, which all cores share.
  static constexpr std::size_t kMemoryBytes = HttpService::kMemoryBytes;

  /// `settings` and `site` outlive the services.
  Services(const ServerSettings& settings, const Site& site)
      : listens_(settings.listen),
        policy_(settings.close),
        http_(settings.http, site, policy_, counters_),
        echo_(policy_, counters_),
        discard_(counters_) {}
  Services(const Services&) = delete;
  Services& operator=(const Services&) = delete;

  const ServiceCounters& counters() const noexcept { return counters_; }
  HttpService& http() noexcept { return http_; }
  const HttpService& http() const noexcept { return http_; }

  // -- what the shard calls, see shard/app.h --
  using AppBase::on_poll, AppBase::next_due, AppBase::finished;

  bool listens(std::uint16_t port) const noexcept { return find(port) != nullptr; }
  void on_settings(const ServiceSettings& settings) noexcept {
    policy_ = ClosePolicy(settings.close);
    if (settings.site == nullptr) return;
    listens_ = settings.listen;
    http_.take(settings.http, *settings.site);
  }
  /// From now on no connection is kept for another request.
  void stop(Instant) noexcept { http_.drain(); }

  template <class Conn>
  void on_drain(Conn& c) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) http_.on_drain(c, s);
  }

  template <class Conn>
  void on_open(Conn& c) noexcept {
    ServiceState& s = open_state(c);
    const ListenSettings* const listen = find(c.local_port());
    s.service = listen != nullptr ? listen->service : ServiceKind::discard;
    if (s.service == ServiceKind::http) http_.on_open(c);
    if (listen == nullptr) c.abort();  // the port was given up during the handshake
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
  void on_closed(Conn& c, flow::CloseReason why) noexcept {
    ServiceState& s = state_of(c);
    if (s.service == ServiceKind::http) [[likely]]
      http_.on_closed(c, s);
    ClosePolicy::count(counters_, s, why);
  }

 private:
  const ListenSettings* find(std::uint16_t port) const noexcept {
    for (const ListenSettings& listen : listens_) {
      if (listen.port == port) return &listen;
    }
    return nullptr;
  }

  std::span<const ListenSettings> listens_;  // of the settings in effect
  ClosePolicy policy_;
  ServiceCounters counters_;
  HttpService http_;
  EchoService echo_;
  DiscardService discard_;
};

}  // namespace mayfly::service
