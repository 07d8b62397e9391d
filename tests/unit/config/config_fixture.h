// A folder of files for one test, and what the readers say about them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "config/read.h"

namespace mayfly::testing {

inline constexpr const char* kServe =
    "cores: [0]\n"
    "ports:\n"
    "  - {device: net_ring0, addresses: [198.18.0.1/15]}\n"
    "listen:\n"
    "  - {port: 80, service: http}\n";

inline constexpr const char* kLoad =
    "cores: [1]\n"
    "ports: [{device: net_ring1, addresses: [198.18.1.1-198.18.1.10/15]}]\n"
    "target: {address: 198.18.0.1}\n"
    "load: {concurrency: 512}\n";

inline constexpr const char* kLab =
    "server: {close: {first: client}}\n"
    "client: {load: {concurrency: 512}, close: {first: client}}\n";

/// What is wrong, as "key: what" each, without places and hints.
template <class T>
std::vector<std::string> complaints(const config::Loaded<T>& loaded) {
  EXPECT_EQ(loaded.settings.has_value(), loaded.errors.empty());
  std::vector<std::string> all;
  for (const config::ConfigError& error : loaded.errors)
    all.push_back(error.key + ": " + error.what);
  return all;
}

/// The same in full, as the user sees it.
template <class T>
std::vector<std::string> messages(const config::Loaded<T>& loaded) {
  std::vector<std::string> all;
  for (const config::ConfigError& error : loaded.errors) all.push_back(to_string(error));
  return all;
}

class ConfigTest : public ::testing::Test {
 public:
  using Overrides = std::vector<std::string>;

  ConfigTest() {
    std::string name = (std::filesystem::temp_directory_path() / "mayfly-config-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& text, const std::string& name = "c.yaml") const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return path(name);
  }
  void make_folder(const std::string& name) const {
    std::filesystem::create_directories(folder_ / name);
  }

  /// A preset that the files of this test find by its name.
  std::string write_preset(const std::string& name, const std::string& text) const {
    make_folder("policy");
    return write(text, "policy/" + name + ".yaml");
  }

  config::Loaded<config::ServeSettings> serve(const std::string& text,
                                              const Overrides& overrides = {},
                                              const std::string& policy = "") const {
    return config::read_serve_settings(write(text), overrides, policy);
  }
  config::Loaded<config::LoadSettings> load(const std::string& text,
                                            const Overrides& overrides = {},
                                            const std::string& policy = "",
                                            const config::Machine& machine = {}) const {
    return config::read_load_settings(write(text), overrides, policy, machine);
  }
  config::Loaded<config::LabSettings> lab(const std::string& text,
                                          const Overrides& overrides = {}) const {
    return config::read_lab_settings(write(text), overrides);
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace mayfly::testing
