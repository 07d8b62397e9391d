// What a configuration is held against beside its text; the machine is played by the test.
#include "config/machine.h"

#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using config::FileKind;
using config::Machine;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OnAMachine : public ConfigTest {
 protected:
  Machine machine_;
};

TEST_F(OnAMachine, ACoreThatItDoesNotHaveIsRefusedAtItsPlace) {
  machine_.cpus = {1, 2};
  const auto loaded = config::read_serve_settings(write(kServe, "a.yaml"), {}, "", machine_);
  EXPECT_THAT(messages(loaded),
              ElementsAre(AllOf(HasSubstr("a.yaml:1:9 cores.0"), HasSubstr("there are 1, 2"))));
}

TEST_F(OnAMachine, ADeviceThatIsUnfitIsRefusedAtItsPlace) {
  machine_.why_unfit = [](const nic::PortSettings& port, std::size_t) {
    return std::optional(nic::Unfit{"no " + port.device, true});
  };
  const auto loaded = config::read_serve_settings(write(kServe, "a.yaml"), {}, "", machine_);
  EXPECT_THAT(messages(loaded), ElementsAre(HasSubstr("a.yaml:3:14 ports.0.device: no net_ring0")));
}

TEST_F(OnAMachine, WhatIsAbsentIsNotedWhereItIsTolerated) {
  machine_.tolerates_absence = true;
  machine_.cpus = {1};
  machine_.why_unfit = [](const nic::PortSettings&, std::size_t) {
    return std::optional(nic::Unfit{"not there", true});
  };
  const auto loaded = config::read_serve_settings(write(kServe, "a.yaml"), {}, "", machine_);
  EXPECT_THAT(loaded.errors, IsEmpty());
  ASSERT_EQ(loaded.notes.size(), 2u);
  EXPECT_THAT(to_string(loaded.notes[1]), HasSubstr("a.yaml:3:14 ports.0.device: not there"));
  machine_.why_unfit = [](const nic::PortSettings&, std::size_t) {
    return std::optional(nic::Unfit{"wrong", false});
  };
  EXPECT_THAT(complaints(config::read_serve_settings(write(kServe, "a.yaml"), {}, "", machine_)),
              ElementsAre("ports.0.device: wrong"));
}

TEST_F(OnAMachine, FilesAndSocketsThatCannotBeMadeAreRefused) {
  machine_.why_unwritable = [](const std::string& file) { return std::optional(file + "!"); };
  machine_.why_no_socket = [](const std::string& path) { return std::optional(path + "?"); };
  const std::string text = std::string(kServe) + "admin: {socket: s}\n";
  const std::vector<std::string> sets{"ports.0.pcap=p"};
  EXPECT_THAT(complaints(config::read_serve_settings(write(text, "a.yaml"), sets, "", machine_)),
              ::testing::UnorderedElementsAre("ports.0.pcap: p!", "admin.socket: s?"));
}

TEST_F(OnAMachine, APageThatCannotBeThereIsRefused) {
  machine_.why_no_page = [](const admin::AdminSettings& admin) {
    return std::optional(admin.page + "?");
  };
  const std::string text = std::string(kServe) + "admin: {page: \"0.0.0.0:1\"}\n";
  EXPECT_THAT(complaints(config::read_serve_settings(write(text, "a.yaml"), {}, "", machine_)),
              ElementsAre("admin.page: 0.0.0.0:1?"));
}

TEST_F(OnAMachine, ARouteThatCannotBeServedIsRefusedAtItsPlace) {
  machine_.check_site = [](const service::HttpSettings& http) -> Result<void> {
    for (const auto& route : http.routes)
      if (route.path == "/b") return Error{"cannot be"};
    return {};
  };
  const std::string text =
      std::string(kServe) +
      "http:\n  routes:\n    - {path: /a, body: x}\n    - {path: /b, body: x}\n";
  EXPECT_THAT(messages(config::read_serve_settings(write(text, "a.yaml"), {}, "", machine_)),
              ElementsAre(HasSubstr("a.yaml:9:7 http.routes.1: cannot be")));
}

TEST_F(OnAMachine, ALoadThatCannotLastIsRefusedAtItsPlace) {
  machine_.check_sources = [](const load::ClientSettings&) -> Result<void> {
    return Error{"short"};
  };
  EXPECT_THAT(messages(config::read_load_settings(write(kLoad, "a.yaml"), {}, "", machine_)),
              ElementsAre(HasSubstr("a.yaml:4:21 load.concurrency: short")));
}

TEST_F(OnAMachine, AnExperimentThatCannotLastIsRefused) {
  machine_.check_lasts = [](const lab::LabPair&) -> Result<void> { return Error{"short"}; };
  EXPECT_THAT(messages(config::read_lab_settings(write(kLab, "a.yaml"), {}, machine_)),
              ElementsAre(HasSubstr("a.yaml:2:30 client.load.concurrency: short")));
}

TEST_F(OnAMachine, NothingIsAskedThatTheCallerDoesNotAsk) {
  EXPECT_THAT(messages(config::read_serve_settings(write(kServe, "a.yaml"))), IsEmpty());
}

TEST_F(OnAMachine, ExperimentsHaveTheSameCores) {
  const std::string text = std::string(kLab) +
                           "experiments:\n"
                           "  - {name: a}\n"
                           "  - {name: b, server: {cores: [2]}}\n";
  EXPECT_THAT(messages(config::read_lab_settings(write(text, "a.yaml"))),
              ElementsAre(HasSubstr("a.yaml:5:31 experiments.1.server.cores: are other cores")));
}

TEST_F(OnAMachine, AFileTellsWhatItIsFor) {
  const auto kind = [&](const std::string& text) { return config::kind_of(write(text, "a.yaml")); };
  EXPECT_EQ(kind(kServe), FileKind::serve);
  EXPECT_EQ(kind(kLoad), FileKind::load);
  EXPECT_EQ(kind(kLab), FileKind::lab);
  EXPECT_EQ(kind("server: {close: {first: client}}\n"), FileKind::policy);
  EXPECT_EQ(kind("about: {place: 1}\nclient: {close: {first: client}}\n"), FileKind::policy);
  EXPECT_EQ(kind("hazards: {policies: [standard]}\n"), FileKind::lab);
  EXPECT_EQ(kind("cores: [0]\n"), FileKind::serve);
  EXPECT_EQ(kind("no yaml: ["), FileKind::serve) << "whose reader says what is wrong";
}

}  // namespace
}  // namespace mayfly::testing
