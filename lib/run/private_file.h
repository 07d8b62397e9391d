// Small files that nobody but their owner may read, replaced as a whole.
#pragma once

#include <string>

namespace mayfly::run {

/// Replaces the file, or makes it, with mode 0600: whatever happens meanwhile, the old one or the
/// new one is there, after a power cut too. Returns errno, or 0.
int replace_file(const std::string& path, const std::string& text);

}  // namespace mayfly::run
