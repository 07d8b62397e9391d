// What is wrong with a configuration, and where: all of it, so that one run is enough to mend it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly::config {

/// One complaint, printed by to_string as `file:line:column key: what (hint)`.
struct ConfigError {
  std::string file;          ///< or "--set KEY=VALUE"; then line and column are 0
  int line = 0, column = 0;  ///< from 1; 0 = the file as a whole
  std::string key;           ///< "ports.0.device", as --set takes it; empty = the file as a whole
  std::string what;          ///< "is missing"
  std::string hint;          ///< may be empty
};

std::string to_string(const ConfigError& error);

/// Settings, or every reason why there are none: `errors` is empty just when `settings` is there.
template <class T>
struct Loaded {
  std::optional<T> settings;
  std::vector<ConfigError> errors;
};

/// Where a value was written: a place in a file, or the text of a --set override.
struct Place {
  int line = 0, column = 0;
  std::string override_text{};
  std::string file{};    ///< empty = the report's own
  std::string prefix{};  ///< what stands before the key there, of a value that was laid elsewhere
};

/// Collects the errors of one file, its overrides and what is laid over it.
class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}

  /// `key` is as in the document that is read; messages have the prefix of `place` before it.
  void add(const Place& place, std::string key, std::string what, std::string hint = {});
  /// Takes over what `part` found and this report does not have yet. `context` says in the hint
  /// where an error came up whose place has no prefix of its own.
  void absorb(Report part, std::string_view context = {});
  const std::string& file() const { return file_; }
  bool empty() const { return findings_.empty(); }
  std::size_t size() const { return findings_.size(); }
  /// Whether one of the first `count` errors is about `key`, or something below or above it.
  bool concerns(std::string_view key, std::size_t count) const;
  /// Hands out the errors in the order of the file, those of overrides first. Of more than a
  /// thousand the rest is only counted, by a last one.
  std::vector<ConfigError> take();

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
  std::vector<Finding> findings_;
  std::size_t left_out_ = 0;
};

/// "a.b"; just the other if one is empty.
std::string join_key(std::string_view path, std::string_view name);

/// The text for a message: control characters blanked, cut after 40 bytes.
std::string shown(std::string_view text);
/// The same in quotes.
std::string in_quotes(std::string_view text);

/// The known word that `word` was probably meant to be (by edit distance), or nothing.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace mayfly::config
