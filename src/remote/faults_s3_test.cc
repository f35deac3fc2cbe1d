// SPDX-License-Identifier: Apache-2.0
//
// What a client of a real S3 server does when the network or the server fails.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "base/id.h"
#include "remote/internal/test_proxy.h"
#include "remote/internal/test_s3_server.h"
#include "remote/internal/test_signature.h"
#include "remote/open.h"
#include "sys/child.h"

namespace reprise::remote {
namespace {

using base::ErrorCode;
using Kind = Fault::Kind;

constexpr std::size_t kPart = S3Options::kLeastPart;
constexpr const char* kUnavailable = "<Error><Code>SlowDown</Code></Error>";

bool is_part(const Exchange& exchange) {
  return exchange.method == "PUT" && exchange.target.find("partNumber=") != std::string::npos;
}

Fault nothing(const Exchange&, const std::vector<Exchange>&) { return {}; }

// `fault` for the first `count` requests of which `concerns` is true.
Fate first(std::size_t count, Fault fault, bool (*concerns)(const Exchange&)) {
  return [=](const Exchange& exchange, const std::vector<Exchange>& before) {
    const auto earlier = static_cast<std::size_t>(std::ranges::count_if(before, concerns));
    return concerns(exchange) && earlier < count ? fault : Fault{};
  };
}
bool any(const Exchange&) { return true; }
bool is_get(const Exchange& exchange) { return exchange.method == "GET"; }
bool is_put(const Exchange& exchange) { return exchange.method == "PUT"; }
bool is_complete(const Exchange& exchange) {
  return exchange.method == "POST" && exchange.target.find("uploadId=") != std::string::npos;
}

constexpr std::size_t kAlways = 1'000'000;

class S3Faults : public testing::Test {
 protected:
  std::unique_ptr<ObjectStore> open() { return open(proxy_.port()); }
  std::unique_ptr<ObjectStore> open(std::uint16_t port) {
    auto opened = open_s3(TestS3Server::options(prefix_, port));
    EXPECT_TRUE(opened) << opened.error().message();
    return std::move(*opened);
  }
  // Not by way of the proxy.
  std::unique_ptr<ObjectStore> directly() { return open(TestS3Server::instance().port()); }
  std::ptrdiff_t count(bool (*concerns)(const Exchange&)) {
    return std::ranges::count_if(proxy_.exchanges(), concerns);
  }
  // `parts` of them, each unlike the others, the last one shorter.
  static std::string contents(std::size_t parts) {
    std::string text;
    for (std::size_t i = 0; i < parts; ++i) text.append(kPart, static_cast<char>('a' + i));
    text.resize(text.size() - 1000);
    return text;
  }
  void expect_there(const std::string& name, const std::string& wanted) {
    const auto got = directly()->get(name, wanted.size());
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_TRUE(*got == wanted);
  }

  sys::TestDirectory scratch_;
  std::string prefix_ = base::random_id();
  TestProxy proxy_{TestS3Server::instance().port(), &nothing};
};

TEST_F(S3Faults, AServerThatIsBusyForAWhileIsAskedAgain) {
  const auto objects = open();
  for (const int status : {500, 503, 429}) {
    proxy_.set_fate([status](const Exchange&, const std::vector<Exchange>& before) {
      return before.size() % 3 < 2
                 ? Fault{.kind = Kind::kAnswer, .status = status, .text = kUnavailable}
                 : Fault{};
    });
    EXPECT_TRUE(objects->put("packs/a", std::to_string(status))) << status;
    expect_there("packs/a", std::to_string(status));
  }
  EXPECT_EQ(count(&is_put), 9);
}

TEST_F(S3Faults, AServerThatAlwaysFailsIsGivenUp) {
  const auto objects = open();
  proxy_.set_fate(first(kAlways, {.kind = Kind::kAnswer, .status = 500}, &any));
  const auto put = objects->put("packs/a", "1");
  EXPECT_EQ(put.error().code(), ErrorCode::kBusy);
  EXPECT_NE(put.error().message().find("500"), std::string::npos) << put.error().message();
  EXPECT_FALSE(put.error().hint().empty());
  EXPECT_EQ(count(&is_put), 3);
  EXPECT_EQ(objects->size("packs/a").error().code(), ErrorCode::kBusy);
  const auto large = objects->put_file("packs/l", scratch_.file("l", contents(2)), {});
  EXPECT_EQ(large.error().code(), ErrorCode::kBusy);
}

// Answers 200 with what `page` says to the requests that it concerns, of which the 50th is the
// last.
Fate lists(bool (*concerns)(const Exchange&), std::string (*page)(std::size_t number)) {
  return [=](const Exchange& exchange, const std::vector<Exchange>& before) {
    if (!concerns(exchange)) return Fault{};
    const auto number = static_cast<std::size_t>(std::ranges::count_if(before, concerns));
    return Fault{
        .kind = Kind::kAnswer, .status = 200, .text = number < 50 ? page(number) : "<List/>"};
  };
}
bool lists_parts(const Exchange& exchange) {
  return is_get(exchange) && exchange.target.find("uploadId=") != std::string::npos;
}

// Each of them would be asked for its pages for ever.
TEST_F(S3Faults, AListThatLeadsInCirclesIsGivenUp) {
  const auto objects = open();
  proxy_.set_fate(lists(&is_get, [](std::size_t number) {
    return "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>" +
           std::to_string(number % 3) + "</NextContinuationToken></ListBucketResult>";
  }));
  EXPECT_EQ(objects->list("packs/").error().code(), ErrorCode::kCorrupt);
  EXPECT_LT(count(&is_get), 10);

  const auto asked = count(&is_get);
  proxy_.set_fate(lists(&is_get, [](std::size_t number) {
    return "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k" +
           std::to_string(number % 2) + "</NextKeyMarker><NextUploadIdMarker>" +
           std::to_string(number) + "</NextUploadIdMarker></ListMultipartUploadsResult>";
  }));
  EXPECT_EQ(objects->drop_unfinished("packs/", 0).error().code(), ErrorCode::kCorrupt);
  EXPECT_LT(count(&is_get), asked + 10);
}

TEST_F(S3Faults, AListOfPartsThatDoesNotGrowIsGivenUp) {
  const auto file = scratch_.file("large", contents(3));
  const auto objects = open();
  // A first transfer that is cut off, so that there is an upload to take up.
  proxy_.set_fate(first(kAlways, {.kind = Kind::kAnswer, .status = 400}, &is_complete));
  ASSERT_FALSE(objects->put_file("packs/l", file, {}));
  proxy_.set_fate(lists(&lists_parts, [](std::size_t number) {
    return "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>" +
           std::to_string(2 - number % 2) + "</NextPartNumberMarker></ListPartsResult>";
  }));
  const auto put = objects->put_file("packs/l", file, {});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code(), ErrorCode::kCorrupt) << put.error().message();
  EXPECT_LT(count(&lists_parts), 10);
}

TEST_F(S3Faults, AServerThatStallsIsLeft) {
  ASSERT_TRUE(directly()->put("packs/a", "contents"));
  S3Options options = TestS3Server::options(prefix_, proxy_.port());
  options.patience.stall = std::chrono::seconds{1};
  options.patience.tries = 2;
  const auto objects = std::move(*open_s3(options));
  // Once: the next try finds another connection.
  proxy_.set_fate(first(1, {.kind = Kind::kStall}, &any));
  const auto read = objects->get("packs/a", 100);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, "contents");
  // For ever, in the middle of a body.
  proxy_.set_fate(first(kAlways, {.kind = Kind::kStallAfter, .bytes = 4}, &any));
  EXPECT_EQ(objects->get("packs/a", 100).error().code(), ErrorCode::kBusy);
}

TEST_F(S3Faults, AServerThatIsNotThereIsNamed) {
  std::uint16_t port = 0;
  {
    const TestProxy gone(1, &nothing);
    port = gone.port();
  }
  const auto put = open(port)->put("packs/a", "1");
  EXPECT_EQ(put.error().code(), ErrorCode::kBusy);
  EXPECT_NE(put.error().message().find("127.0.0.1:" + std::to_string(port)), std::string::npos);
}

TEST_F(S3Faults, ABodyThatIsCutOffIsNotAccepted) {
  const std::string text = contents(2);
  ASSERT_TRUE(directly()->put_file("packs/a", scratch_.file("a", text), {}));
  const auto objects = open();
  std::string part(3'000'000, '\0');
  const auto out = std::as_writable_bytes(std::span(part));
  proxy_.set_fate(first(2, {.kind = Kind::kCutAnswer, .bytes = 1'000'000}, &is_get));
  EXPECT_TRUE(objects->read("packs/a", kPart - 1000, out));
  EXPECT_TRUE(part == text.substr(kPart - 1000, part.size()));
  EXPECT_EQ(count(&is_get), 3);
  for (const std::size_t bytes : {0U, 1'000'000U}) {
    proxy_.set_fate(first(kAlways, {.kind = Kind::kCutAnswer, .bytes = bytes}, &any));
    EXPECT_EQ(objects->read("packs/a", 0, out).error().code(), ErrorCode::kBusy);
    EXPECT_EQ(objects->get("packs/a", text.size()).error().code(), ErrorCode::kBusy);
  }
  proxy_.set_fate(first(kAlways, {.kind = Kind::kCutAnswer, .bytes = 100}, &any));
  const auto listed = objects->list("");
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code(), ErrorCode::kBusy);
}

TEST_F(S3Faults, AnUploadThatIsCutIsSentAgain) {
  const std::string text = contents(3);
  proxy_.set_fate(first(2, {.kind = Kind::kCutRequest, .bytes = 1'000'000}, &is_part));
  const auto put = open()->put_file("packs/a", scratch_.file("a", text), {});
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(count(&is_part), 5);
  expect_there("packs/a", text);
}

TEST_F(S3Faults, WhatWasSpoiledOnTheWayIsSentAgain) {
  const std::string text = contents(2);
  proxy_.set_fate(first(1, {.kind = Kind::kSpoil}, &is_put));
  ASSERT_TRUE(open()->put("keys/a", "small"));
  expect_there("keys/a", "small");
  proxy_.set_fate(first(1 + 1, {.kind = Kind::kSpoil}, &is_part));
  const auto put = open()->put_file("packs/a", scratch_.file("a", text), {});
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(count(&is_part), 4);
  expect_there("packs/a", text);
}

// S3 may begin to answer "200" and find out later that it fails.
TEST_F(S3Faults, ACompletionThatFailsInItsBodyIsNoSuccess) {
  const std::string text = contents(2);
  const auto file = scratch_.file("a", text);
  const Fault failed{.kind = Kind::kAnswer,
                     .status = 200,
                     .text = "<?xml version=\"1.0\"?>\n<Error><Code>InternalError</Code></Error>"};
  proxy_.set_fate(first(kAlways, failed, &is_complete));
  EXPECT_EQ(open()->put_file("packs/a", file, {}).error().code(), ErrorCode::kBusy);
  EXPECT_EQ(*directly()->size("packs/a"), std::nullopt);
  const auto sent = count(&is_part);
  proxy_.set_fate(&nothing);
  ASSERT_TRUE(open()->put_file("packs/a", file, {}));
  EXPECT_EQ(count(&is_part), sent);  // all of them were there
  expect_there("packs/a", text);
}

TEST_F(S3Faults, ACompletionWhoseAnswerIsLostIsFound) {
  const std::string text = contents(2);
  proxy_.set_fate(first(1, {.kind = Kind::kSpoilAnswer, .status = 503}, &is_complete));
  const auto put = open()->put_file("packs/a", scratch_.file("a", text), {});
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(count(&is_complete), 2);
  expect_there("packs/a", text);
}

TEST_F(S3Faults, AnUploadOfAnotherFileIsEnded) {
  const std::string text = contents(3);
  const auto objects = open();
  std::string other = text;
  other[10] = '!';
  proxy_.set_fate(first(kAlways, {.kind = Kind::kAnswer, .status = 503}, &is_complete));
  ASSERT_FALSE(objects->put_file("packs/a", scratch_.file("other", other), {}));
  const auto sent = count(&is_part);
  proxy_.set_fate(&nothing);
  ASSERT_TRUE(objects->put_file("packs/a", scratch_.file("a", text), {}));
  EXPECT_EQ(count(&is_part) - sent, 3);
  EXPECT_EQ(count([](const Exchange& e) { return e.method == "DELETE"; }), 1);
  expect_there("packs/a", text);
}

// Versitygw takes no such tokens: it is the test that computes what the signature must be, and the
// server that shows, without a token, that the test computes it well.
TEST_F(S3Faults, ASessionTokenIsSentAndSigned) {
  S3Options options = TestS3Server::options(prefix_, proxy_.port());
  const auto check = [&](const char* what) {
    for (const Exchange& exchange : proxy_.exchanges()) {
      const TestSignature signature =
          signature_in(exchange.head, TestS3Server::options("", 1).secret_key.view());
      EXPECT_EQ(signature.given, signature.computed) << what << ": " << exchange.head;
    }
  };
  ASSERT_TRUE(open()->put_file("packs/l", scratch_.file("l", contents(2)), {}));
  check("without");
  const std::size_t before = proxy_.exchanges().size();
  proxy_.set_fate(
      first(kAlways, {.kind = Kind::kAnswer, .status = 200, .text = "<ListBucketResult/>"}, &any));
  options.session_token = crypto::SecretText("the/token+of==");
  const auto objects = std::move(*open_s3(options));
  EXPECT_TRUE(objects->put("packs/a", "1"));
  EXPECT_TRUE(objects->list("packs/"));
  EXPECT_TRUE(objects->remove("packs/a"));
  check("with");
  const auto all = proxy_.exchanges();
  ASSERT_EQ(all.size() - before, 3U);
  for (std::size_t i = before; i < all.size(); ++i) {
    EXPECT_NE(all[i].head.find("\r\nx-amz-security-token: the/token+of==\r\n"), std::string::npos)
        << all[i].head;
    EXPECT_NE(signature_in(all[i].head, "").signed_headers.find("x-amz-security-token"),
              std::string::npos)
        << all[i].head;
  }
}

TEST_F(S3Faults, TheEnvironmentsTokenBelongsToTheEnvironmentsKeys) {
  const S3Options known = TestS3Server::options(prefix_, proxy_.port());
  ::setenv("AWS_ACCESS_KEY_ID", known.access_key.c_str(), 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", std::string(known.secret_key.view()).c_str(), 1);
  ::setenv("AWS_SESSION_TOKEN", "theirs", 1);
  proxy_.set_fate(first(kAlways, {.kind = Kind::kAnswer, .status = 200}, &any));
  RemoteConfig config{.url = "s3://bucket/" + prefix_, .endpoint = known.endpoint};
  const auto sent = [&] {
    EXPECT_TRUE(std::move(*open_remote(config))->put("packs/a", "1"));
    const std::string head = proxy_.exchanges().back().head;
    const std::string name = "\r\nx-amz-security-token: ";
    const std::size_t begin = head.find(name);
    if (begin == std::string::npos) return std::string();
    return head.substr(begin + name.size(),
                       head.find('\r', begin + name.size()) - begin - name.size());
  };
  EXPECT_EQ(sent(), "theirs");
  config.session_token = crypto::SecretText("ours");
  EXPECT_EQ(sent(), "ours");
  config.session_token = crypto::SecretText();
  config.access_key = known.access_key;
  config.secret_key = known.secret_key;
  EXPECT_EQ(sent(), "");
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
    ::unsetenv(name);
}

TEST_F(S3Faults, ATokenThatIsRefusedIsNamed) {
  S3Options options = TestS3Server::options(prefix_, proxy_.port());
  options.session_token = crypto::SecretText("none");
  const auto refused = std::move(*open_s3(options))->put("packs/a", "1");
  EXPECT_EQ(refused.error().code(), ErrorCode::kDenied);
  EXPECT_NE(refused.error().message().find("session token"), std::string::npos);
  EXPECT_FALSE(refused.error().hint().empty());
}

TEST_F(S3Faults, OldUnfinishedUploadsAreEnded) {
  constexpr base::UnixMillis kHour = 3'600'000;
  const std::string text = contents(2);
  const auto file = scratch_.file("a", text);
  const auto objects = open();
  proxy_.set_fate(first(kAlways, {.kind = Kind::kAnswer, .status = 503}, &is_complete));
  for (const char* name : {"packs/a", "packs/b", "other/a"})
    ASSERT_FALSE(objects->put_file(name, file, {}));
  proxy_.set_fate(&nothing);
  const base::UnixMillis now = base::now_unix_millis();
  EXPECT_EQ(*objects->drop_unfinished("packs/", now - kHour), 0U);
  const auto dropped = objects->drop_unfinished("packs/", now + kHour);
  ASSERT_TRUE(dropped) << dropped.error().message();
  EXPECT_EQ(*dropped, 2U);
  EXPECT_EQ(*objects->drop_unfinished("packs/", now + kHour), 0U);
  // What was begun elsewhere goes on, what was ended begins anew.
  const auto sent = count(&is_part);
  ASSERT_TRUE(objects->put_file("other/a", file, {}));
  EXPECT_EQ(count(&is_part), sent);
  ASSERT_TRUE(objects->put_file("packs/a", file, {}));
  EXPECT_EQ(count(&is_part) - sent, 2);
  expect_there("packs/a", text);
}

// What the process of the next test does until it is killed: this program again, see main().
void upload_until_killed() {
  auto options = TestS3Server::options(
      std::getenv("S3_PREFIX"), static_cast<std::uint16_t>(std::atoi(std::getenv("S3_PORT"))));
  options.patience.stall = std::chrono::seconds{60};
  (void)(*open_s3(options))->put_file("packs/a", std::getenv("S3_FILE"), {});
}

TEST_F(S3Faults, AnUploaderThatWasKilledGoesOnWhereItWas) {
  constexpr std::ptrdiff_t kParts = 8;
  constexpr std::ptrdiff_t kPassing = 3;
  const std::string text = contents(kParts);
  const auto file = scratch_.file("a", text);
  proxy_.set_fate([](const Exchange& exchange, const std::vector<Exchange>& before) {
    const bool stalls = is_part(exchange) && std::ranges::count_if(before, &is_part) >= kPassing;
    return Fault{.kind = stalls ? Kind::kStall : Kind::kNone};
  });
  auto uploader = sys::Child::spawn(
      {.argv = {"/proc/self/exe"},
       .env = sys::default_environment({{"S3_PREFIX", prefix_},
                                        {"S3_FILE", file.string()},
                                        {"S3_PORT", std::to_string(proxy_.port())}})});
  ASSERT_TRUE(uploader) << uploader.error().message();
  const auto arrived = [](const Exchange& exchange) {
    return is_part(exchange) && exchange.answered;
  };
  while (count(arrived) < kPassing || count(&is_part) == kPassing)
    ASSERT_FALSE(uploader->wait(std::chrono::milliseconds{20})) << "it has ended";
  ASSERT_TRUE(uploader->kill(SIGKILL));
  ASSERT_TRUE(uploader->wait());
  EXPECT_EQ(*directly()->size("packs/a"), std::nullopt);

  const auto sent = count(&is_part);
  proxy_.set_fate(&nothing);
  std::uint64_t told = 0;
  const auto put = open()->put_file("packs/a", file, [&](std::uint64_t done) -> Result<void> {
    told = done;
    return {};
  });
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_EQ(count(&is_part) - sent, kParts - kPassing);
  EXPECT_EQ(told, text.size());
  expect_there("packs/a", text);
}

}  // namespace

// Whether this is the process of AnUploaderThatWasKilledGoesOnWhereItWas; then it has uploaded.
bool was_uploader() {
  if (std::getenv("S3_FILE") == nullptr) return false;
  upload_until_killed();
  return true;
}

}  // namespace reprise::remote

int main(int argc, char** argv) {
  if (reprise::remote::was_uploader()) return 0;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
