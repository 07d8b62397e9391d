// Configurations: any text is read or refused with reasons that say where and what; and settings
// that were read, written back as overrides, are read as the same settings.
//
// Input: 's', 'l' or 'x' for serve, load or lab ('S' and 'L': written back too, which is slow),
// then the file. After each record separator (0x1e) comes an override; one that begins with 'P' is
// no override but the preset's text.
#include <filesystem>
#include <fstream>

#include "config/describe.h"
#include "config/read.h"
#include "fuzz/target.h"

namespace mayfly::testing {
namespace {

using config::Loaded;

/// Where the reader finds its files: the configuration and the preset "mine".
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "mayfly-fuzz-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
    std::filesystem::create_directory(path_ / "policy");
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const char* name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

struct Request {
  char kind = 's';
  std::string file, policy;
  std::vector<std::string> overrides;

  Request(FuzzInput& in, const Folder& folder) : kind(in.take<char>()) {
    const std::string text = in.text();
    std::size_t end = text.find('\x1e');
    file = folder.write("fuzzed.yaml", text.substr(0, end));
    while (end != text.npos) {
      const std::size_t begin = end + 1;
      end = text.find('\x1e', begin);
      std::string part = text.substr(begin, end - begin);
      if (!part.starts_with('P')) {
        overrides.push_back(std::move(part));
      } else {
        folder.write("policy/mine.yaml", part.substr(1));
        policy = "mine";
      }
    }
  }
};

template <class T>
void expect_settled(const Loaded<T>& loaded) {
  EXPECT_EQ(loaded.settings.has_value(), loaded.errors.empty());
  for (const config::ConfigError& error : loaded.errors) {
    EXPECT_FALSE(error.what.empty());
    EXPECT_FALSE(error.file.empty());
    // A key has its place: in a file, or in an override.
    EXPECT_TRUE(error.key.empty() || error.line > 0 || error.file.starts_with("--set"))
        << to_string(error);
    EXPECT_EQ(error.line > 0, error.column > 0) << to_string(error);
  }
}

/// `read` reads the same file with these overrides on top of its own.
template <class T, class Read>
void expect_written_back(const Loaded<T>& loaded, Read read) {
  if (!loaded.settings) return;
  const std::vector<config::KeyValue> described = describe(*loaded.settings);
  std::vector<std::string> overrides;
  for (const auto& [key, value] : described)
    if (value != "none") overrides.push_back(key + "=" + value);
  const Loaded<T> again = read(overrides);
  ASSERT_TRUE(again.settings) << to_string(again.errors.front());
  for (const config::KeyChange& change : difference(described, describe(*again.settings)))
    ADD_FAILURE() << to_string(change);
}

void run(FuzzInput in) {
  static const Folder folder;
  const Request request(in, folder);
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), request.overrides.begin(), request.overrides.end());
    return more;
  };
  const auto serve = [&](const std::vector<std::string>& more) {
    return config::read_serve_settings(request.file, with(more), request.policy);
  };
  const auto load = [&](const std::vector<std::string>& more) {
    return config::read_load_settings(request.file, with(more), request.policy);
  };
  if (request.kind == 'x') return expect_settled(config::read_lab_settings(request.file, with({})));
  if (request.kind == 's' || request.kind == 'S') {
    const Loaded<config::ServeSettings> loaded = serve({});
    expect_settled(loaded);
    if (request.kind == 'S') expect_written_back(loaded, serve);
  } else {
    const Loaded<config::LoadSettings> loaded = load({});
    expect_settled(loaded);
    if (request.kind == 'L') expect_written_back(loaded, load);
  }
}

const Target kTarget("configuration", run);

}  // namespace
}  // namespace mayfly::testing
