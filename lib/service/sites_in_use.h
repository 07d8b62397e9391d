// The sites that the connections of one core are answered from. When the folders are read again,
// new answers are those of the new site. A connection that still sends octets of an old one stays
// with that one until they are acknowledged: its send queue points into the site's memory. So the
// control thread may free a site once every core has taken the new one and no connection is with
// the old.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/assert.h"
#include "service/site.h"
#include "service/state.h"

namespace mayfly::service {

class SitesInUse {
 public:
  explicit SitesInUse(const Site& site) noexcept { take(site); }

  /// Answers are those of `site` from now on. No connection is with another site of its slot.
  void take(const Site& site) noexcept {
    MAYFLY_ASSERT(sites_[site.slot()] == &site || connections(site.slot()) == 0);
    sites_[site.slot()] = &site;
    newest_ = site.slot();
  }

  /// The site for the next answer of a connection.
  template <class Conn>
  const Site& choose(Conn& c, ServiceState& s) noexcept {
    if (s.site != newest_) [[unlikely]] {
      if (s.site == ServiceState::kNoSite) {
        join(s);
      } else if (c.unsent() == 0) {
        leave(s);
        join(s);
      }
    }
    return of(s);
  }

  /// The site that the connection is with, after choose().
  const Site& of(const ServiceState& s) const noexcept { return *sites_[s.site]; }

  /// The connection is gone.
  void leave(ServiceState& s) noexcept {
    if (s.site == ServiceState::kNoSite) return;
    std::atomic<std::uint32_t>& count = connections_[s.site];
    count.store(count.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    s.site = ServiceState::kNoSite;
  }

  /// How many connections are with the site of a slot. Any thread.
  std::uint32_t connections(std::uint8_t slot) const noexcept {
    return connections_[slot].load(std::memory_order_acquire);
  }

 private:
  void join(ServiceState& s) noexcept {
    s.site = newest_;
    std::atomic<std::uint32_t>& count = connections_[s.site];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  std::array<const Site*, Site::kSlots> sites_{};
  std::array<std::atomic<std::uint32_t>, Site::kSlots> connections_{};
  std::uint8_t newest_ = 0;
};

}  // namespace mayfly::service
