// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

#include "http/internal/test_peer.h"

namespace reprise::http {
namespace {

using base::ErrorCode;

std::unique_ptr<Client> persistent_client(int tries) {
  return Client::open({.place = "peer",
                       .patience = {.connect = std::chrono::seconds{60},
                                    .stall = std::chrono::seconds{60},
                                    .tries = tries,
                                    .backoff = std::chrono::milliseconds{1}}})
      .value();
}

TestScript answering(std::string answer) {
  return [answer = std::move(answer)](TestConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.send(answer);
  };
}

std::string whole(std::string_view status, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

TEST(Client, WhatMayPassIsTriedAgain) {
  TestPeer peer({answering(whole("503 Busy", "later")), answering("HTTP/1.1 200 OK\r\nContent-Len"),
                 answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                 answering("HTTP/1.0 200 OK\r\n\r\nmaybe half"), answering(""),
                 answering(whole("200 OK", "whole"))});
  const auto got = persistent_client(6)->perform({.url = peer.url()});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->body, "whole");
  EXPECT_EQ(got->received, 5U);
}

TEST(Client, TheReasonOfTheLastTryIsTold) {
  TestPeer peer({answering("HTTP/1.0 200 OK\r\n\r\nmaybe half"), answering(whole("429 Slow", ""))});
  const auto got = persistent_client(2)->perform({.url = peer.url()});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(got.error().message(),
            "'peer' does not answer as it should, tried 2 times: it answers with status 429");
}

TEST(Client, AnAnswerThatStaysIsNotTriedAgain) {
  TestPeer peer({answering(whole("404 No", "none"))});
  const auto got = persistent_client(3)->perform({.url = peer.url()});
  EXPECT_EQ(got.value().status, 404);
  EXPECT_EQ(got->body, "none");
}

TEST(Client, AnAnswerIsAsLongAsItMayBe) {
  TestPeer peer({answering(whole("200 OK", "12345")), answering(whole("200 OK", "123456")),
                 answering(whole("400 No", "123456"))});
  const auto client = persistent_client(1);
  EXPECT_EQ(client->perform({.url = peer.url(), .limit = 5}).value().body, "12345");
  EXPECT_EQ(client->perform({.url = peer.url(), .limit = 5}).error().code(),
            ErrorCode::kInvalidInput);
  EXPECT_EQ(client->perform({.url = peer.url(), .limit = 5}).value().body, "123456")
      << "what an error says has a limit of its own";
}

TEST(Client, AnAnswerFillsThePlaceThatIsGiven) {
  TestPeer peer({answering(whole("200 OK", "1234")), answering(whole("200 OK", "123")),
                 answering(whole("200 OK", "12345")), answering(whole("404 No", "none"))});
  const auto client = persistent_client(1);
  std::array<char, 4> text{};
  const auto into = std::as_writable_bytes(std::span(text));
  EXPECT_EQ(client->perform({.url = peer.url(), .into = into}).value().received, 4U);
  EXPECT_EQ(std::string(text.data(), text.size()), "1234");
  EXPECT_EQ(client->perform({.url = peer.url(), .into = into}).value().received, 3U);
  EXPECT_EQ(client->perform({.url = peer.url(), .into = into}).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(client->perform({.url = peer.url(), .into = into}).value().body, "none");
}

TEST(Client, ABodyIsSentWholeWithEachTry) {
  std::array<std::string, 2> came;
  const auto take = [](std::string& request, std::string answer) -> TestScript {
    return [&request, answer = std::move(answer)](TestConnection& connection) {
      request = connection.read_until("the end");
      connection.send(answer);
    };
  };
  TestPeer peer({take(came[0], whole("500 Ill", "")), take(came[1], whole("200 OK", ""))});
  const std::string body = std::string(1 << 20, 'x') + "the end";
  const auto got = persistent_client(2)->perform(
      {.method = "PUT", .url = peer.url(), .headers = {"X-Name: value"}, .body = Body(body)});
  EXPECT_EQ(got.value().status, 200);
  for (const std::string& request : came) {
    EXPECT_TRUE(request.ends_with(body));
    EXPECT_NE(request.find("X-Name: value\r\n"), std::string::npos);
  }
}

TEST(Client, AnotherMayJudgeWhetherAnAnswerPasses) {
  TestPeer peer({answering(whole("400 No", "slow down")), answering(whole("400 No", "never"))});
  auto client = Client::open({.place = "peer",
                              .patience = {.tries = 2, .backoff = std::chrono::milliseconds{1}},
                              .may_pass = [](const Request&, const Response& response) {
                                return response.body == "slow down";
                              }});
  EXPECT_EQ(client.value()->perform({.url = peer.url()}).value().body, "never");
}

TEST(Client, SecretsAreHeadersOfEachRequest) {
  std::string came;
  TestPeer peer({[&](TestConnection& connection) {
    came = connection.read_until("\r\n\r\n");
    connection.send(whole("200 OK", ""));
  }});
  ClientOptions options{.place = "peer", .patience = {.tries = 1}};
  options.secret_headers.push_back(
      {.name = "X-Token", .value = secret_of(crypto::SecretText("secret")).value()});
  options.bearer = secret_of(crypto::SecretText("bearer")).value();
  ASSERT_TRUE(Client::open(std::move(options)).value()->perform({.url = peer.url()}));
  EXPECT_NE(came.find("\r\nX-Token: secret\r\n"), std::string::npos) << came;
  EXPECT_NE(came.find("\r\nAuthorization: Bearer bearer\r\n"), std::string::npos) << came;
}

TEST(Client, AFileThatIsNotThereIsNamed) {
  const auto opened = Client::open({.place = "peer", .ca_file = "/does/not/exist"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), ErrorCode::kInvalidInput);
  EXPECT_NE(opened.error().message().find("/does/not/exist"), std::string::npos);
}

}  // namespace
}  // namespace reprise::http
