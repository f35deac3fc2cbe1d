// SPDX-License-Identifier: Apache-2.0
#include "session/context.h"
#include "image/part_names.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "host/message.h"
#include "session/internal/test_container.h"
#include "session/outside.h"
#include "session/parts.h"

namespace reprise::session {
namespace {

using base::ErrorCode;

TEST(PhasesTest, AreToldWhenTheyBeginAndTimedInTheirOrder) {
  auto [ours, theirs] = std::move(*sys::MessageSocket::pair());
  Phases phases(ours);
  for (const char* name : {"prepare", "dump", "seal"}) phases.begin(name);
  const std::string text = phases.finish();
  for (const char* name : {"prepare", "dump", "seal"}) {
    const auto message =
        host::decode_worker_message(theirs.receive(std::chrono::seconds(20)).value().value());
    EXPECT_EQ(std::get<host::Phase>(message.value()).name, name);
  }
  const auto json = nlohmann::ordered_json::parse(text);
  std::vector<std::string> names;
  for (const auto& [name, milliseconds] : json.items()) {
    names.push_back(name);
    EXPECT_GE(milliseconds.get<int>(), 0);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"prepare", "dump", "seal"}));
  EXPECT_EQ(phases.finish(), text) << "the last one has ended already";
}

TEST(PhasesTest, ACallerThatHasGoneDoesNotMatter) {
  auto [ours, theirs] = std::move(*sys::MessageSocket::pair());
  {
    const sys::MessageSocket gone = std::move(theirs);
  }
  Phases phases(ours);
  phases.begin("dump");
  EXPECT_NE(phases.finish().find("dump"), std::string::npos);
}

class SessionFiles : public TestContainer {};

TEST_F(SessionFiles, LogsOfTheOldestSessionsGo) {
  const fs::path sessions = layout_.store / "sessions";
  fs::remove_all(sessions);
  const auto now = fs::file_time_type::clock::now();
  for (std::size_t i = 0; i < kKeptSessions + 2; ++i) {
    fs::create_directories(sessions / std::to_string(i));
    fs::last_write_time(sessions / std::to_string(i), now - std::chrono::minutes(i));
  }
  prune_session_logs(layout_);
  EXPECT_TRUE(fs::exists(sessions / "0"));
  EXPECT_TRUE(fs::exists(sessions / std::to_string(kKeptSessions - 1)));
  EXPECT_FALSE(fs::exists(sessions / std::to_string(kKeptSessions)));
  EXPECT_FALSE(fs::exists(sessions / std::to_string(kKeptSessions + 1)));
}

// --- mounts of the host that held files

class OutsideTest : public TestContainer {
 protected:
  OutsideTest() {
    fs::create_directories(disk_);
    write(disk_ / "data", "x");
    spec_.mounts = {{.destination = "/data", .type = "bind", .source = disk_, .options = {"rw"}}};
  }
  std::unique_ptr<store::CheckpointReader> checkpoint() {
    auto writer = std::move(*store_->begin({}));
    EXPECT_TRUE(note_outside(*writer, spec_));
    EXPECT_TRUE(writer->pages().absorb());
    EXPECT_TRUE(writer->seal({.key = base::ContainerKey("web"), .created = 7}));
    return std::move(*store_->open(writer->id()));
  }

  fs::path disk_ = scratch_ / "disk";
  oci::Spec spec_;
  oci::Wishes wishes_;
};

TEST_F(OutsideTest, ADiskThatIsNotMountedAnyMoreIsRefused) {
  const auto reader = checkpoint();
  EXPECT_TRUE(check_outside(*reader, spec_, wishes_));
  fs::remove(disk_ / "data");
  const auto refused = check_outside(*reader, spec_, wishes_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message().find("'" + disk_.string() + "'"), std::string::npos);
  EXPECT_NE(refused.error().message().find("'/data'"), std::string::npos);
  EXPECT_FALSE(refused.error().hint().empty());
  for (const std::string& answer : {std::string("keep"), reader->manifest().id.str()}) {
    wishes_.fill_volumes_from = answer;
    EXPECT_TRUE(check_outside(*reader, spec_, wishes_)) << answer;
  }
}

TEST_F(OutsideTest, OnlyMountsThatHeldFilesAreLookedAt) {
  fs::remove(disk_ / "data");
  EXPECT_EQ(read_part(*checkpoint(), image::kOutsidePart).value(), std::nullopt) << "it was empty";
  write(disk_ / "data", "x");
  spec_.mounts[0].options = {"ro"};
  EXPECT_EQ(read_part(*checkpoint(), image::kOutsidePart).value(), std::nullopt)
      << "nobody writes to it";
  spec_.mounts[0].options = {};
  for (const char* engines : {"/dev/shm", "/run/secrets"}) {
    spec_.mounts[0].destination = engines;
    EXPECT_EQ(read_part(*checkpoint(), image::kOutsidePart).value(), std::nullopt) << engines;
  }
  spec_.mounts[0].destination = "/data";
  EXPECT_EQ(read_part(*checkpoint(), image::kOutsidePart).value(), std::string("/data\0", 6));
}

// The name of one that is longer, or the end of one, is another.
TEST_F(OutsideTest, AMountIsNotTakenForAnother) {
  const auto reader = checkpoint();
  fs::remove(disk_ / "data");
  for (const char* other : {"/dat", "/data2", "data", "/srv/data"}) {
    spec_.mounts[0].destination = other;
    EXPECT_TRUE(check_outside(*reader, spec_, wishes_)) << other;
  }
}

}  // namespace
}  // namespace reprise::session
