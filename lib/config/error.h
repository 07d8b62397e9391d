// The errors of a configuration and their places: all of them at once, so that one run is enough to
// correct the file.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::config {

/// One error. to_string gives `file:line:column key: what (hint)`.
struct ConfigError {
  std::string file;          ///< or "--set KEY=VALUE"; then line and column are 0
  int line = 0, column = 0;  ///< from 1; 0 = the file as a whole
  std::string key;           ///< "ports.0.device", as --set takes it; empty = the file as a whole
  std::string what;          ///< "is missing"
  std::string hint;          ///< may be empty
};

std::string to_string(const ConfigError& error);

/// Settings, or all errors because of which there are none: exactly one of the two is empty.
template <class T>
struct Loaded {
  std::optional<T> settings;
  std::vector<ConfigError> errors;
  std::vector<ConfigError> notes{};  ///< what is good, and could not start on this machine
};

/// Where a value was written: a place in a file, or the text of a --set override.
struct Place {
  int line = 0, column = 0;
  std::string override_text{};
  std::string file{};    ///< empty = the report's own
  std::string prefix{};  ///< for a value laid at another place: what precedes its key in the file
};

/// Collects the errors of a file, of its overrides and of what is laid over it.
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  /// Adds an error. `key` is that in the document; messages have the prefix of `place` before it.
  void add(const Place& place, std::string key, std::string what, std::string hint = {});
  /// Adds a note: the configuration is right, but names something that is not there now.
  void note(const Place& place, std::string key, std::string what, std::string hint = {});
  /// Adds the errors of `part` that this report does not have yet. `context` is added to the hint
  /// of an error whose place has no prefix.
  void absorb(Report part, std::string_view context = {});
  const std::string& file() const { return file_; }
  bool empty() const { return findings_.empty(); }
  std::size_t size() const { return findings_.size(); }
  /// True if one of the first `count` errors is about `key`, or a key below or above it.
  bool concerns(std::string_view key, std::size_t count) const;
  /// Moves the errors out, in the order of the file, those of overrides first. At most a thousand;
  /// a last one then counts the rest.
  std::vector<ConfigError> take();
  std::vector<ConfigError> take_notes();

 private:
  struct Finding {
    Place place;
    std::string key, what, hint;
    /// The key as it is written at the place.
    std::string full_key() const;
    bool is_same(const Finding& other) const;
  };
  ConfigError told(Finding finding) const;

  std::string file_;
  std::vector<Finding> findings_, notes_;
  std::size_t left_out_ = 0;
};

/// "a.b"; if one part is empty, the other alone.
std::string join_key(std::string_view path, std::string_view name);

/// The text for a message: control characters become spaces, and it is cut after 40 bytes.
std::string shown(std::string_view text);
/// The same in quotes.
std::string in_quotes(std::string_view text);

/// The known word closest to `word` by edit distance; nullopt if none is close.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace mayfly::config
