// SPDX-License-Identifier: Apache-2.0
#include "http/self_signed.h"

#include <gtest/gtest.h>

#include <string>

#include "http/client.h"
#include "http/server.h"

namespace reprise::http {
namespace {

using base::ErrorCode;

class SelfSignedTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = start_server(
        {.own = own_, .admits = [](std::string_view token) { return token.starts_with("known"); }},
        [](const Question& question) { return Answer{.body = "hello " + question.token}; });
    ASSERT_TRUE(started) << started.error().message();
    served_ = std::move(*started);
  }
  [[nodiscard]] Result<Response> ask(const std::string& pin, const std::string& token) const {
    ClientOptions options{
        .place = "node n1",
        .pin = pin,
        .patience = {
            .connect = std::chrono::seconds{60}, .stall = std::chrono::seconds{60}, .tries = 1}};
    if (!token.empty()) options.bearer = secret_of(crypto::SecretText(token)).value();
    const auto client = REPRISE_PASS(Client::open(std::move(options)));
    return client->perform({.url = "https://127.0.0.1:" + std::to_string(served_->port()) + "/"});
  }

  SelfSigned own_ = make_self_signed("n1").value();
  std::unique_ptr<Server> served_;
};

TEST_F(SelfSignedTest, WhoIsToldThePinIsAnswered) {
  const auto answer = ask(own_.pin, "known by heart");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hello known by heart");
}

TEST_F(SelfSignedTest, AnotherKeyIsNotTrusted) {
  const SelfSigned other = make_self_signed("n1").value();
  EXPECT_NE(other.pin, own_.pin);
  const auto answer = ask(other.pin, "known");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kDenied);
  EXPECT_NE(answer.error().message().find("another key"), std::string::npos)
      << answer.error().message();
}

TEST_F(SelfSignedTest, WithoutAPinNobodyVouchesForIt) {
  const auto answer = ask("", "known");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), ErrorCode::kDenied);
}

TEST_F(SelfSignedTest, ATokenThatIsNotKnownIsRefused) {
  for (const char* token : {"", "unknown"}) {
    const auto answer = ask(own_.pin, token);
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->status, 401) << token;
  }
}

TEST_F(SelfSignedTest, WhatIsNoPinIsRefused) {
  for (const std::string text : {"x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA;="}) {
    EXPECT_FALSE(is_pin(text)) << text;
    EXPECT_EQ(ask(text, "known").error().code(), ErrorCode::kInvalidInput) << text;
  }
}

TEST_F(SelfSignedTest, ALongNameIsCut) { EXPECT_TRUE(make_self_signed(std::string(300, 'n'))); }

}  // namespace
}  // namespace reprise::http
