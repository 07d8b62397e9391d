// Of what the sequence numbers, timestamps, hashes and cookies of a process are made, and the file
// in which the servers of a cluster have it in common.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "tcp/isn.h"

namespace mayfly::run {

struct ShardSecrets {
  tcp::Secret now{};
  std::optional<tcp::Secret> former;  ///< whose cookies count too
  bool are_shared = false;            ///< with other servers (cluster.secret)
};

/// Makes a file with a new secret, mode 0600. If there is one, an error, unless `rotate`: then its
/// secret becomes the former one. Either there is the old file or the new one, whatever happens.
Result<void> make_secret_file(const std::string& path, bool rotate);
/// Reads such a file. Errors, all of usage: it is not there, others may read it, or it is no such
/// file.
Result<ShardSecrets> read_secret_file(const std::string& path);

/// 32 hexadecimal digits.
std::string hex_of(const tcp::Secret& secret);
std::optional<tcp::Secret> secret_of(const std::string& hex);

}  // namespace mayfly::run
