// What outlives a process: the secret that keys initial sequence numbers (RFC 6528) and timestamp
// offsets (RFC 7323 7.1), and how far the clock under both has come. A process that forgot them
// would begin anew: half of its four-tuples would look older than what the peers' TIME_WAITs hold
// of the run before, and be refused (RFC 6191 2).
//
// The clock goes on where it was, or later. The file is ahead of it: a clock value is reserved
// before it is used, so that a process that is killed has used none that the next one uses again.
// The wall clock only adds the time between two runs, at most kGapMax of it, so that no step of it,
// back or forth, makes a later run look older. Several processes may share a file: each begins
// above what the others have reserved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "run/secrets.h"
#include "tcp/isn.h"

namespace mayfly::run {

/// For the control thread.
class StateFile {
 public:
  /// How far the clock is reserved ahead. keep() reserves anew once half of it is used.
  static constexpr Duration kReserve = Duration::from_s(10);
  /// The most that the wall clock can add between two runs. After so long no TIME_WAIT is left; and
  /// an ISN that is an hour ahead is newer for sure: half of its space takes 2.4 h.
  static constexpr Duration kGapMax = Duration::from_s(3'600);

  /// Reads the file, or makes a new one with mode 0600 and a new secret, and reserves the first
  /// clock values. `wall`: the time since 1970. Errors, all of usage, say what to do: it cannot be
  /// read or written, it is damaged, or another process does not let go of its lock.
  static Result<StateFile> open(const std::string& path, Duration wall);
  /// The same, but replaces a damaged file by a new one; `damage` is then set to what was wrong.
  static Result<StateFile> open_or_replace(const std::string& path, Duration wall,
                                           std::string& damage);

  const tcp::Secret& secret() const noexcept { return secret_; }
  /// Where the clock of this process has to begin: above all that was ever reserved.
  Instant origin() const noexcept { return origin_; }
  /// Reserves more of the clock, if it is time to. Call it several times a second. An error is
  /// returned once, until it has worked again.
  Result<void> keep(Instant now, Duration wall);

 private:
  struct Content;
  explicit StateFile(std::string path) : path_(std::move(path)) {}
  static Result<StateFile> open_as(const std::string& path, Duration wall, std::string* damage);
  static Result<std::optional<Content>> read(const std::string& path, std::string* damage);
  Result<void> write(const Content& content) const;

  std::string path_;
  tcp::Secret secret_{};
  Instant origin_, reserved_;
  bool is_failing_ = false;
};

/// What the numbers of a process are made of.
struct Numbers {
  ShardSecrets secrets;
  Instant origin;                 ///< where its clock begins; with other servers, the time of day
  std::optional<StateFile> file;  ///< none: they end with the process
  std::string warning;            ///< for the user; empty = none

  /// What the clock has to read that is made now.
  Instant clock_begins() const;
};

/// `state`: a file that must be usable, "auto" for the default one, without which it goes on with a
/// warning, or "none".
Result<Numbers> open_numbers(const std::string& state);
/// Of a server of a cluster: the secrets of the file, and a clock that begins with the time of day,
/// which all servers have in common. So sequence numbers and timestamps go on from server to server
/// as they do from process to process.
Result<Numbers> numbers_of_cluster(const std::string& secret_file);
/// The default file: in /var/lib/mayfly for root, else in the user's state folder
/// ($XDG_STATE_HOME or ~/.local/state), which is also root's if XDG_STATE_HOME is set. Empty if
/// there is no such folder.
std::string default_state_file();
/// The time since 1970.
Duration wall_clock();

}  // namespace mayfly::run
