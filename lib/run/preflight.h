// What a start would stumble over, found before it: the questions that config/machine.h asks, put
// to this machine; and whether results can be written, before there are any.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/machine.h"

namespace mayfly::run {

/// For a start, which finds out by itself what its own files hold and whether its load lasts.
config::Machine this_machine();
/// Everything that serve, load and lab would refuse.
config::Machine everything();

/// An error of usage if the file cannot be written. "" and "-" can. What is there stays as it is,
/// and what is not is not made.
Result<void> check_output(const std::string& file);
/// The same for a folder that is to be made, and files in it.
Result<void> check_output_folder(const std::string& folder);

}  // namespace mayfly::run
