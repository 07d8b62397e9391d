// Looks after the links of a run while it lasts: tells what changes and what to do about it, and
// gives up a run none of whose links works.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "link/settings.h"
#include "nic/device.h"
#include "nic/link_reading.h"
#include "nic/settings.h"

namespace mayfly::run {

/// A neighbour of each family that does not answer.
struct SilentNeighbours {
  std::optional<Ipv4Address> four;
  std::optional<Ipv6Address> six;
};

/// A problem of a link, or its end.
struct LinkNews {
  std::string words;
  bool is_problem;
};

class LinkWatch {
 public:
  /// A port's link, and what its words are made of.
  struct Watched {
    std::string device;     ///< as configured
    std::string interface;  ///< of the host; empty = none
    bool has_peer = false;  ///< its link is another process (memif)
    std::uint32_t mtu_wanted = 0;
    link::LinkSettings place{};  ///< whose neighbours are on this link
    std::function<nic::LinkReading()> read;
  };

  /// `give_up`: how long no link may work; 0 = for ever.
  LinkWatch(std::vector<Watched> links, Duration give_up, Instant now);
  /// `devices` outlive the watch.
  static LinkWatch of(const nic::ProcessSettings& process, const std::vector<nic::Device>& devices,
                      Instant now);
  LinkWatch(LinkWatch&& other) noexcept;

  /// Reads all links, at most ten times a second. Returns what has to be told: each problem when it
  /// comes, and its end. Call it some times a second, on one thread.
  /// `silent`: who does not answer ARP or neighbour discovery.
  std::vector<LinkNews> look(Instant now, const SilentNeighbours& silent = {});
  /// Words for the end of the run, if none of the links has worked for too long.
  std::optional<std::string> why_given_up(Instant now) const;

  /// What stands under `links` in the JSON. Any thread.
  nlohmann::ordered_json json(Instant now) const;

 private:
  struct State {
    nic::LinkReading reading;
    Instant changed;
    std::uint64_t changes = 0;
    std::string problem;
    bool is_read = false;
  };

  std::string silence_of(const Watched& link, const SilentNeighbours& silent) const;
  std::string problem_of(const Watched& link, const nic::LinkReading& reading) const;

  std::vector<Watched> links_;
  Duration give_up_;
  Instant next_, last_up_;
  mutable std::mutex mutex_;  // guards states_: json() is for any thread
  std::vector<State> states_;
};

}  // namespace mayfly::run
