// The media types that go with the suffixes of file names.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mayfly::service {

/// What Debian's package media-types installs.
inline constexpr const char* kMediaTypesFile = "/etc/mime.types";

class MediaTypes {
 public:
  /// The types that are built in, with those of the file over them. A file that is not there is no
  /// error.
  static MediaTypes load(const std::string& file = kMediaTypesFile);

  /// The type for a name's suffix, case ignored; application/octet-stream if it is not known. A
  /// text has its charset. Valid while this is.
  std::string_view of(std::string_view file_name) const;

 private:
  std::map<std::string, std::string, std::less<>> by_suffix_;
};

}  // namespace mayfly::service
