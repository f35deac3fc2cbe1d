// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <string>
#include <thread>

#include "http/client.h"
#include "http/test_certificates.h"
#include "sys/test_directory.h"

namespace reprise::http {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ServerTest : public testing::Test {
 protected:
  void serve(Handler handler) {
    auto started = start_server({.cert_file = server_.cert_file,
                                 .key_file = server_.key_file,
                                 .token = crypto::SecretText("secret")},
                                std::move(handler));
    ASSERT_TRUE(started) << started.error().message();
    served_ = std::move(*started);
  }
  [[nodiscard]] std::string url(std::string_view path = "/") const {
    return "https://127.0.0.1:" + std::to_string(served_->port()) + std::string(path);
  }
  [[nodiscard]] std::unique_ptr<Client> client(std::string_view token = "secret") const {
    return Client::open({.place = "server",
                         .ca_file = authority_.ca_file(),
                         .patience = {.connect = seconds{60},
                                      .stall = seconds{60},
                                      .tries = 1,
                                      .backoff = milliseconds{10}},
                         .bearer = secret_of(crypto::SecretText(token)).value()})
        .value();
  }

  sys::TestDirectory scratch_;
  TestAuthority authority_{scratch_, "ca"};
  TestCertificate server_ = authority_.issue("server", "IP:127.0.0.1");
  std::unique_ptr<Server> served_;
};

std::string next_piece(Exchange& exchange) {
  std::string piece(4096, '\0');
  const auto got = exchange.read(std::as_writable_bytes(std::span(piece)));
  if (!got) return "error: " + got.error().message();
  piece.resize(*got);
  return piece;
}

TEST_F(ServerTest, AQuestionArrivesAsItWasAsked) {
  serve([](const Question& question) -> Answer {
    return {.status = 202,
            .type = "text/plain",
            .body = question.method + " " + question.path + " " + question.parameter("a") + " " +
                    question.parameter("none")};
  });
  const auto got = client()->perform({.method = "POST", .url = url("/x/y?a=1%202&b=3")});
  EXPECT_EQ(got.value().status, 202);
  EXPECT_EQ(got->body, "POST /x/y 1 2 ");
  EXPECT_EQ(got->headers.at("content-type"), "text/plain");
}

TEST_F(ServerTest, WhoHasNoTokenIsNotHeard) {
  std::atomic<int> heard = 0;
  serve([&](const Question&) -> Answer {
    ++heard;
    return {};
  });
  EXPECT_EQ(client("other")->perform({.url = url()}).value().status, 401);
  EXPECT_EQ(heard, 0);
}

TEST_F(ServerTest, PartsOfAnAnswerCanBeAskedFor) {
  const std::string text = "0123456789";
  serve([&](const Question& question) -> Answer {
    if (question.path == "/text") return {.body = text};
    if (question.path == "/missing") return {.status = 404};
    return {.body = Pieces{.bytes = text.size(),
                           .read = [&](std::uint64_t offset, std::span<std::byte> out) {
                             const auto from = std::as_bytes(std::span(text)).subspan(offset);
                             std::copy_n(from.begin(), out.size(), out.begin());
                             return Result<std::size_t>(out.size());
                           }}};
  });
  const auto asker = client();
  for (const char* path : {"/text", "/pieces"}) {
    EXPECT_EQ(asker->perform({.url = url(path)}).value().body, text) << path;
    const auto part = asker->perform({.url = url(path), .headers = {"Range: bytes=2-4"}});
    EXPECT_EQ(part.value().status, 206) << path;
    EXPECT_EQ(part->body, "234") << path;
    EXPECT_EQ(asker->perform({.url = url(path), .headers = {"Range: bytes=8-10"}}).value().status,
              416);
    EXPECT_EQ(
        asker->perform({.method = "HEAD", .url = url(path)}).value().headers.at("content-length"),
        "10");
  }
  EXPECT_EQ(
      asker->perform({.url = url("/missing"), .headers = {"Range: bytes=2-4"}}).value().status, 404)
      << "what is not there has no parts";
}

TEST_F(ServerTest, APieceOfAStreamIsReadBeforeTheNextIsWritten) {
  std::latch first_was_read(1);
  serve([&](const Question&) -> Answer {
    return {.type = "application/json", .body = Stream([&](Outlet& outlet) -> Result<void> {
                                          REPRISE_PASS(outlet.write("first"));
                                          first_was_read.wait();
                                          REPRISE_PASS(outlet.write(""));
                                          return outlet.write("second");
                                        })};
  });
  const auto asker = client();
  // Even to who would take it compressed, which would hold pieces back.
  const auto exchange =
      asker->start({.url = url(), .headers = {"Accept-Encoding: gzip, br"}}).value();
  EXPECT_EQ(exchange->head().value().headers.at("content-type"), "application/json");
  EXPECT_EQ(next_piece(*exchange), "first");
  first_was_read.count_down();
  EXPECT_EQ(next_piece(*exchange), "second");
  EXPECT_EQ(next_piece(*exchange), "");
}

TEST_F(ServerTest, AStreamThatFailsIsNotTakenForWhole) {
  serve([](const Question&) -> Answer {
    return {.body = Stream([](Outlet& outlet) -> Result<void> {
              REPRISE_PASS(outlet.write("first"));
              return base::fail(ErrorCode::kIo, "no more");
            })};
  });
  const auto asker = client();
  const auto exchange = asker->start({.url = url()}).value();
  EXPECT_EQ(next_piece(*exchange), "first");
  std::byte byte{};
  EXPECT_EQ(exchange->read(std::span(&byte, 1)).error().code(), ErrorCode::kBusy);
}

TEST_F(ServerTest, AStreamIsToldThatItsReaderHasGone) {
  std::atomic<bool> told = false;
  std::latch ended(1);
  serve([&](const Question&) -> Answer {
    return {.body = Stream([&](Outlet& outlet) -> Result<void> {
              Result<void> written;
              while (written) written = outlet.write(std::string(1000, 'x'));
              told = written.error().code() == ErrorCode::kGone;
              ended.count_down();
              return written;
            })};
  });
  const auto asker = client();
  auto exchange = asker->start({.url = url()}).value();
  EXPECT_NE(next_piece(*exchange), "");
  exchange.reset();
  ended.wait();
  EXPECT_TRUE(told);
}

TEST_F(ServerTest, AServerThatEndsTellsItsStreams) {
  std::latch begun(1);
  serve([&](const Question&) -> Answer {
    return {.body = Stream([&](Outlet& outlet) -> Result<void> {
              REPRISE_PASS(outlet.write("first"));
              begun.count_down();
              while (!outlet.is_ending()) std::this_thread::sleep_for(milliseconds{1});
              return {};
            })};
  });
  const auto asker = client();
  const auto exchange = asker->start({.url = url()}).value();
  EXPECT_EQ(next_piece(*exchange), "first");
  begun.wait();
  served_.reset();
}

TEST_F(ServerTest, NobodyServesEverybody) {
  EXPECT_EQ(start_server({.cert_file = server_.cert_file, .key_file = server_.key_file},
                         [](const Question&) -> Answer { return {}; })
                .error()
                .code(),
            ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace reprise::http
