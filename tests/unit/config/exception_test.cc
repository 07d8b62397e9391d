// The kernel's part of a port.
#include <gmock/gmock.h>

#include "config/describe.h"
#include "config_fixture.h"

namespace mayfly::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ExceptionKeys : public ConfigTest {};

TEST_F(ExceptionKeys, APortMayHaveAPartOfTheKernel) {
  const auto none = serve(kServe, {});
  ASSERT_TRUE(none.settings);
  EXPECT_FALSE(none.settings->process.ports[0].exception.any());
  const auto loaded =
      serve(kServe, {"ports.0.exception={device: \"net_tap0,iface=mayfly0\", rate: 5k}"});
  ASSERT_THAT(complaints(loaded), IsEmpty());
  const nic::ExceptionSettings& exception = loaded.settings->process.ports[0].exception;
  EXPECT_EQ(exception.device, "net_tap0,iface=mayfly0");
  EXPECT_EQ(exception.rate, 5'000u);
  EXPECT_EQ(exception.burst, 8u);
}

TEST_F(ExceptionKeys, AreWrittenBackOnlyOfAPortThatHasOne) {
  const auto exception_keys = [this](const std::vector<std::string>& overrides) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : config::describe(*serve(kServe, overrides).settings))
      if (key.find(".exception.") != std::string::npos) keys.push_back(key + "=" + value);
    return keys;
  };
  EXPECT_THAT(exception_keys({}), IsEmpty());
  EXPECT_THAT(exception_keys({"ports.0.exception.device=net_tap0"}),
              ElementsAre("ports.0.exception.device=net_tap0", "ports.0.exception.rate=4k",
                          "ports.0.exception.burst=8"));
}

TEST_F(ExceptionKeys, AreCheckedWhereTheyStand) {
  const std::string file = write(
      "cores: [0]\n"
      "ports:\n"
      "  - device: net_ring0\n"
      "    addresses: [198.18.0.1/15]\n"
      "    exception:\n"
      "      devise: net_tap0\n"
      "      rate: 0\n"
      "      burst: 100\n"
      "listen: [{port: 80, service: http}]\n");
  const std::string at = " ports.0.exception";
  EXPECT_THAT(
      messages(config::read_serve_settings(file, {}, "")),
      ElementsAre(HasSubstr(":6:7" + at + ".devise: is not a known key (did you mean device?"),
                  HasSubstr(":6:7" + at + ".device: is missing"),
                  HasSubstr(":7:13" + at + ".rate: \"0\" is out of range (count: 1..1M)"),
                  HasSubstr(":8:14" + at + ".burst: \"100\" is out of range")));
}

TEST_F(ExceptionKeys, ItsDeviceHasANameOfItsOwn) {
  const std::string second =
      "ports.1={device: net_ring1, addresses: [198.20.0.1/16], exception: {device: "
      "\"net_tap0,iface=b\"}}";
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.exception.device=net_tap0,iface=a", second})),
              ElementsAre("ports.1.exception.device: has the name of ports.0.exception.device"));
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.exception.device=net_ring0"})),
              ElementsAre("ports.0.exception.device: has the name of ports.0.device"));
}

TEST_F(ExceptionKeys, ADeviceThatIsUnfitIsRefusedAtItsPlace) {
  config::Machine machine;
  machine.why_unfit = [](const nic::PortSettings& port, std::size_t cores) {
    EXPECT_EQ(cores, port.device == "net_tap0" ? 1u : 2u);
    return port.device == "net_tap0" ? std::optional(nic::Unfit{"no tap", true}) : std::nullopt;
  };
  const Overrides sets{"cores=[0, 1]", "ports.0.exception.device=net_tap0"};
  const auto loaded = config::read_serve_settings(write(kServe), sets, "", machine);
  EXPECT_THAT(complaints(loaded), ElementsAre("ports.0.exception.device: no tap"));
}

class XdpShareKeys : public ConfigTest {};

TEST_F(XdpShareKeys, AnInterfaceMayBeSharedWithTheKernel) {
  EXPECT_EQ(serve(kServe, {}).settings->process.ports[0].xdp, nic::XdpMode::all);
  const auto loaded = serve(kServe, {"ports.0.xdp=share"});
  ASSERT_THAT(complaints(loaded), IsEmpty());
  EXPECT_EQ(loaded.settings->process.ports[0].xdp, nic::XdpMode::share);
}

TEST_F(XdpShareKeys, WhatTheKernelHasAnywayIsNotForTheExceptionPath) {
  EXPECT_THAT(complaints(serve(kServe, {"ports.0.xdp=share", "ports.0.exception.device=net_tap0"})),
              ElementsAre("ports.0.exception: is not needed with xdp: share"));
}

TEST_F(XdpShareKeys, AGatewayMustBeFoundWithoutTheLinkLocalAddressOfBoth) {
  const auto with_gateway = [this](const std::string& gateway, Overrides more = {}) {
    more.insert(more.end(), {"ports.0.xdp=share", "ports.0.addresses=[2001:db8::1/64]",
                             "ports.0.gateway=" + gateway});
    return complaints(serve(kServe, more));
  };
  EXPECT_THAT(with_gateway("2001:db8::9"), IsEmpty());
  EXPECT_THAT(with_gateway("ra"), ElementsAre("ports.0.gateway: ra does not go with xdp: share"));
  EXPECT_THAT(with_gateway("fe80::1"),
              ElementsAre("ports.0.gateway: is link-local, and so would be our own address, which "
                          "the kernel has too"));
  EXPECT_THAT(with_gateway("fe80::1", {"ports.0.mac=02:00:00:00:00:01"}), IsEmpty());
}

}  // namespace
}  // namespace mayfly::testing
