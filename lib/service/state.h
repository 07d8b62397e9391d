// The state that the services keep for a connection, in the 32 bytes reserved for the app.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>

#include "base/slab.h"
#include "service/settings.h"
#include "shard/app.h"

namespace mayfly::service {

/// The phase of a connection in its service. ClosePolicy handles all phases but `open`.
enum class Phase : std::uint8_t {
  open,       ///< requests are read and answered
  finishing,  ///< the last answer is not yet acknowledged; then the policy decides
  grace,      ///< the last answer has arrived: the client may close first until the grace ends
  lingering,  ///< our FIN follows the last answer; what still arrives is discarded
  closed,     ///< the service is done with both directions; TCP ends the connection
};

/// What is sent of a response.
enum class Form : std::uint8_t {
  whole,
  not_modified,  ///< 304: the lines from Response::validators_at on
  part,          ///< `pending` is the index of a PartialAnswer, and 1
};

// Why a service let a connection end; each connection counts once. X(name, what is counted)
#define MAYFLY_ENDINGS(X)                                                                          \
  X(lost, "connections ended by the peer's RST, by a time-out of TCP, or by the network")          \
  X(server_first, "connections that the server closed first")                                      \
  X(client_first, "connections that the client closed first")                                      \
  X(grace_ended,                                                                                   \
    "connections that the server closed when close.grace had ended: the client had not")           \
  X(aborted, "connections that the server closed with RST (close.abort)")                          \
  X(request_timeout,                                                                               \
    "connections on which no whole request arrived within http.request_timeout: 408")              \
  X(keep_alive_timeout, "connections that were idle between requests for http.keep_alive_timeout") \
  X(stalled, "connections reset because the client took almost nothing of an answer for a minute")

/// Why a connection ended.
enum class Ending : std::uint8_t {
#define MAYFLY_X(name, help) name,
  MAYFLY_ENDINGS(MAYFLY_X)
#undef MAYFLY_X
};
#define MAYFLY_X(name, help) +1
inline constexpr std::size_t kEndingCount = 0 MAYFLY_ENDINGS(MAYFLY_X);
#undef MAYFLY_X

/// Its key in the JSON: "lost", "server_first", ...
constexpr std::string_view name_of(Ending ending) {
#define MAYFLY_X(name, help) #name,
  constexpr std::string_view names[] = {MAYFLY_ENDINGS(MAYFLY_X)};
#undef MAYFLY_X
  return names[static_cast<std::size_t>(ending)];
}

/// The help text of its counter.
constexpr std::string_view help_of(Ending ending) {
#define MAYFLY_X(name, help) help,
  constexpr std::string_view helps[] = {MAYFLY_ENDINGS(MAYFLY_X)};
#undef MAYFLY_X
  return helps[static_cast<std::size_t>(ending)];
}

/// What the services keep for one connection.
struct ServiceState {
  static constexpr std::uint8_t kNoSite = 0xff;

  std::uint32_t pending =
      0;  ///< index of the response that waits for room in the send queue; 0 = none
  std::uint32_t requests = 0;       ///< answered on this connection
  std::uint32_t parser = kNoIndex;  ///< index of the parser of the incomplete request
  ServiceKind service = ServiceKind::http;
  Phase phase = Phase::open;
  Ending ending = Ending::lost;
  bool peer_closed = false;     ///< the client's FIN has arrived
  bool head_only = false;       ///< `pending`, or the incomplete request, is about HEAD
  std::uint8_t parts_sent = 0;  ///< parts of `pending` that are queued: preamble, lead
  Form form = Form::whole;      ///< of `pending`
  std::uint8_t site = kNoSite;  ///< slot of the site that answers are of; SitesInUse
  bool last = false;            ///< no request is answered after `pending`
  bool aborts = false;          ///< it ends with an RST: decided when its end began
  std::uint64_t untaken = 0;    ///< octets queued when ClosePolicy::watch began; 0 = it has not
};
static_assert(sizeof(ServiceState) <= sizeof(flow::AppState) &&
              std::is_trivially_copyable_v<ServiceState>);

/// Makes the state of a new connection.
template <class Conn>
ServiceState& open_state(Conn& c) noexcept {
  return *::new (static_cast<void*>(&c.state())) ServiceState{};
}

/// The state of a connection, after open_state().
template <class Conn>
ServiceState& state_of(Conn& c) noexcept {
  return *std::launder(reinterpret_cast<ServiceState*>(&c.state()));
}

}  // namespace mayfly::service
