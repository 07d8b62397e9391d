// Whom a server asks when it does not know a flow: the servers of a cluster stand in a ring, and a
// segment goes from one to the next until somebody knows it, or as many as `hops` were asked.
//
// How far a segment has come is told by the address of the server that sent it on first, which the
// outer header keeps on the whole way. Its place in the ring is known to all, so no header has to
// be invented, and a router that lowers the TTL changes nothing. That a server was passed over is
// told by the traffic class: only who did it knows, as the next may have heard of that server
// since.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/assert.h"
#include "shard/settings.h"
#include "wire/flow_key.h"

namespace mayfly::shard {

class ClusterRing {
 public:
  /// The outer traffic class (RFC 2474 3) of a segment that has been to all servers so far, and of
  /// one that was not sent to one that is silent: a code point for local use (RFC 2474 6, pool 2).
  static constexpr std::uint8_t kComplete = 0, kIncomplete = 0b000011 << 2;
  /// Where a segment has been that another server sent on.
  struct Way {
    std::uint32_t origin;  ///< the place of the one that was asked first
    bool is_complete;      ///< nobody between it and this server was passed over
  };

  /// No cluster: nobody is asked, nobody is a member.
  ClusterRing() = default;
  /// `is_own` tells which of the members this server is; if none, nobody is asked.
  template <class F>
  ClusterRing(const ClusterSettings& settings, F&& is_own) : members_(settings.members) {
    const auto own = std::ranges::find_if(members_, is_own);
    if (own == members_.end()) return;
    own_ = static_cast<std::uint32_t>(own - members_.begin());
    hops_ = std::min(settings.hops, size() - 1);
  }

  /// Others are asked.
  bool asks() const noexcept { return hops_ > 0; }
  /// The place of a member; nullopt for anybody else.
  std::optional<std::uint32_t> place_of(const Ipv6Address& address) const noexcept {
    const auto found = std::ranges::find(members_, address);
    if (found == members_.end()) return std::nullopt;
    return static_cast<std::uint32_t>(found - members_.begin());
  }
  /// This server's.
  std::uint32_t own_place() const noexcept { return own_; }
  /// This server's address among them. No other has it, and none would know of a flow to it.
  bool is_own(const Ipv6Address& address) const noexcept {
    return asks() && members_[own_] == address;
  }
  const Ipv6Address& address_at(std::uint32_t place) const noexcept { return members_[place]; }

  /// All that are to be asked about a segment that the one at `origin` has sent on first have been,
  /// this server the last of them: it answers for all.
  bool is_last_after(std::uint32_t origin) const noexcept {
    return hops_ == 0 || asked_since(origin) >= hops_;
  }

  /// Who is to be asked, and how many before it are passed over.
  struct Next {
    Ipv6Address member;
    std::uint32_t skipped;
  };
  /// The next of those that are still to be asked of whom `is_silent(address)` is false; nullopt:
  /// there is none. Who is passed over counts as asked: the way ends where it would have.
  template <class F>
  std::optional<Next> next_after(std::uint32_t origin, F&& is_silent) const noexcept {
    if (is_last_after(origin)) return std::nullopt;
    const std::uint32_t left = hops_ - asked_since(origin);
    for (std::uint32_t skipped = 0; skipped < left; ++skipped) {
      const Ipv6Address& member = members_[(own_ + 1 + skipped) % size()];
      if (!is_silent(member)) return Next{member, skipped};
    }
    return std::nullopt;
  }

 private:
  /// How many after `origin` have been asked, this server among them.
  std::uint32_t asked_since(std::uint32_t origin) const noexcept {
    return (own_ + size() - origin) % size();
  }
  std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(members_.size()); }

  std::vector<Ipv6Address> members_;
  std::uint32_t own_ = 0, hops_ = 0;
};

}  // namespace mayfly::shard
