// SPDX-License-Identifier: Apache-2.0
#include "container/worker_link.h"

#include <gtest/gtest.h>

namespace reprise::container {
namespace {

TEST(WorkerLink, RequestsArriveAsTheyWereSent) {
  WorkerRequest sent;
  sent.key = base::ContainerKey("@web");
  sent.verb = WorkerVerb::kRestore;
  sent.session = base::SessionId("s1");
  sent.container = base::ContainerId("c1");
  sent.runtime_args = {"--root", "/run/r", "--systemd-cgroup"};
  sent.end = true;
  sent.trigger = "stop";
  sent.signal = 2;
  sent.tag = "t";
  sent.name = "counter";
  sent.lock_passed = true;
  sent.bundle = "/b";
  sent.checkpoint = base::CheckpointId("k1");
  sent.acknowledges = true;
  const WorkerRequest got = decode_worker_request(encode(sent)).value();
  EXPECT_EQ(got.key.str(), "@web");
  EXPECT_EQ(encode(got), encode(sent));
  EXPECT_EQ(got.verb, WorkerVerb::kRestore);
  EXPECT_EQ(got.runtime_args, sent.runtime_args);
  EXPECT_TRUE(got.acknowledges);
}

TEST(WorkerLink, EventsArriveAsTheyWereSent) {
  WorkerEvent sent;
  sent.kind = WorkerEventKind::kOutcome;
  sent.reason = "CRIU says: \xff not UTF-8";  // logs hold anything
  sent.bytes = std::uint64_t{1} << 40;
  const WorkerEvent got = decode_worker_event(encode(sent)).value();
  EXPECT_EQ(got.kind, WorkerEventKind::kOutcome);
  EXPECT_EQ(got.bytes, sent.bytes);
  EXPECT_TRUE(got.reason.starts_with("CRIU says: "));
}

TEST(WorkerLink, UnreadableMessagesAreErrors) {
  for (const char* text : {"", "{}", "[]", R"({"verb": "dance"})", R"({"event": 3})"}) {
    EXPECT_FALSE(decode_worker_request(text)) << text;
    EXPECT_FALSE(decode_worker_event(text)) << text;
    EXPECT_FALSE(decode_restored(text)) << text;
  }
  EXPECT_EQ(decode_restored(encode_restored(7)).value(), 7);
}

TEST(WorkerLink, WhatWasHeardIsNoOtherMessage) {
  EXPECT_TRUE(is_heard(encode_heard()));
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string(R"({"heard": 3})"), encode_restored(0)})
    EXPECT_FALSE(is_heard(text)) << text;
}

}  // namespace
}  // namespace reprise::container
