// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <string>
#include <thread>

#include "http/client.h"
#include "http/internal/test_peer.h"

namespace reprise::http {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::string_view kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

// Tries once.
std::unique_ptr<Client> client_of(seconds stall = seconds{60}) {
  return Client::open({.place = "peer",
                       .patience = {.connect = seconds{60},
                                    .stall = stall,
                                    .tries = 1,
                                    .backoff = milliseconds{1}}})
      .value();
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// One piece; "" at the end, the error's message else.
std::string read_piece(Exchange& exchange, std::size_t most = 4096) {
  std::string piece(most, '\0');
  const auto got = exchange.read(std::as_writable_bytes(std::span(piece)));
  if (!got) return "error: " + got.error().message();
  piece.resize(*got);
  return piece;
}

// All pieces until the end or an error.
Result<std::string> read_all(Exchange& exchange, std::size_t most = 4096) {
  std::string all;
  std::string piece(most, '\0');
  for (;;) {
    const std::size_t got = REPRISE_PASS(exchange.read(std::as_writable_bytes(std::span(piece))));
    if (got == 0) return all;
    all.append(piece, 0, got);
  }
}

TEST(Exchange, APieceIsReadBeforeTheNextIsSent) {
  std::latch first_was_read(1);
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    connection.send(kChunked);
    connection.send("5\r\nfirst\r\n");
    first_was_read.wait();
    connection.send("6\r\nsecond\r\n0\r\n\r\n");
  }});
  const auto client = client_of();
  const auto exchange = client->start({.url = peer.url()}).value();
  EXPECT_EQ(exchange->head().value().status, 200);
  EXPECT_EQ(read_piece(*exchange), "first");
  first_was_read.count_down();
  EXPECT_EQ(read_piece(*exchange), "second");
  EXPECT_EQ(read_piece(*exchange), "");
  EXPECT_EQ(read_piece(*exchange), "") << "the end stays";
}

TEST(Exchange, TheHeadIsThereBeforeAnyBody) {
  std::latch head_was_read(1);
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    connection.send("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n");
    connection.send("HTTP/1.1 403 No\r\nContent-Length: 4\r\nX-Name: a value \r\n\r\n");
    head_was_read.wait();
    connection.send("body");
  }});
  const auto client = client_of();
  const auto exchange = client->start({.url = peer.url()}).value();
  const Head head = exchange->head().value();
  EXPECT_EQ(head.status, 403);
  EXPECT_EQ(head.headers,
            (std::map<std::string, std::string>{{"content-length", "4"}, {"x-name", "a value"}}));
  head_was_read.count_down();
  EXPECT_EQ(read_all(*exchange).value(), "body");
}

TEST(Exchange, ReadingIsEndedEarlyByDroppingIt) {
  std::promise<void> closed;
  TestPeer peer({[&](TestConnection& connection) {
                   connection.read_until(kEndOfHead);
                   connection.send(kChunked);
                   connection.send("5\r\nfirst\r\n");
                   connection.await_end();
                   closed.set_value();
                 },
                 [&](TestConnection& connection) {
                   connection.read_until(kEndOfHead);
                   connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext");
                 }});
  const auto client = client_of();
  auto exchange = client->start({.url = peer.url()}).value();
  EXPECT_EQ(read_piece(*exchange), "first");
  exchange.reset();
  EXPECT_EQ(closed.get_future().wait_for(seconds{60}), std::future_status::ready);
  EXPECT_EQ(client->perform({.url = peer.url()}).value().body, "next");
}

TEST(Exchange, AnotherThreadEndsWhoWaitsForAPiece) {
  std::latch waits(1);
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    connection.send(kChunked);
    waits.count_down();
    connection.await_end();
  }});
  const auto client = client_of();
  // It would wait for an hour.
  auto exchange = client->start({.url = peer.url(), .stall = std::chrono::hours{1}}).value();
  std::jthread other([&] {
    waits.wait();
    exchange->stop();
  });
  std::byte byte{};
  EXPECT_EQ(exchange->read(std::span(&byte, 1)).error().code(), ErrorCode::kGone);
  EXPECT_EQ(exchange->read(std::span(&byte, 1)).error().code(), ErrorCode::kGone);
  EXPECT_EQ(exchange->trouble(), "");
  other.join();
  exchange.reset();
}

TEST(Exchange, AFlagOfTheRequestEndsIt) {
  const std::atomic<bool> stop = true;
  const auto client = client_of();
  const auto exchange = client->start({.url = "http://127.0.0.1:9/", .stop = &stop}).value();
  EXPECT_EQ(exchange->head().error().code(), ErrorCode::kGone);
}

struct Death {
  const char* name;
  std::string answer;  // what comes of it
};

class ExchangeDeath : public testing::TestWithParam<Death> {};

// Where an end was told, read() would say 0.
TEST_P(ExchangeDeath, IsNoEnd) {
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    connection.send(GetParam().answer);
  }});
  const auto client = client_of();
  const auto exchange = client->start({.url = peer.url()}).value();
  EXPECT_EQ(read_piece(*exchange), "first") << "what came before is not lost";
  const auto end = read_all(*exchange);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), ErrorCode::kBusy) << end.error().message();
  EXPECT_NE(end.error().message().find("'peer'"), std::string::npos);
  EXPECT_NE(exchange->trouble(), "");
  EXPECT_EQ(read_all(*exchange).error().code(), ErrorCode::kBusy) << "and it stays one";
}

INSTANTIATE_TEST_SUITE_P(
    Peer, ExchangeDeath,
    testing::Values(Death{"BetweenChunks", std::string(kChunked) + "5\r\nfirst\r\n"},
                    Death{"WithinAChunk", std::string(kChunked) + "9\r\nfirst"},
                    Death{"BeforeItsLength", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfirst"},
                    // An end that is told by closing cannot be told from a death.
                    Death{"WithoutALength", "HTTP/1.0 200 OK\r\n\r\nfirst"}),
    [](const testing::TestParamInfo<Death>& death) { return death.param.name; });

TEST(Exchange, AResetIsNoEnd) {
  std::latch first_was_read(1);
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    connection.send(std::string(kChunked) + "5\r\nfirst\r\n");
    first_was_read.wait();
    connection.reset();
  }});
  const auto client = client_of();
  const auto exchange = client->start({.url = peer.url()}).value();
  EXPECT_EQ(read_piece(*exchange), "first");
  first_was_read.count_down();
  EXPECT_EQ(read_all(*exchange).error().code(), ErrorCode::kBusy);
}

TEST(Exchange, AStallIsToldFromEndAndDeath) {
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    connection.send(std::string(kChunked) + "5\r\nfirst\r\n");
    connection.await_end();
  }});
  const auto client = client_of(seconds{1});
  const auto exchange = client->start({.url = peer.url()}).value();
  const auto end = read_all(*exchange);  // of "first", if it came in time
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(exchange->trouble(), "nothing has moved for 1 seconds");
}

// What comes to a reader who takes longer than the stall that is allowed; nothing if the peer,
// which has other work, took longer than that.
std::string read_slowly(std::string_view long_text, seconds stall) {
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    connection.try_to_send(
        "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(long_text.size()) + "\r\n\r\n");
    connection.try_to_send(long_text);
  }});
  const auto client = client_of(stall);
  const auto exchange = client->start({.url = peer.url()}).value();
  std::string all = read_piece(*exchange, 1);
  std::this_thread::sleep_for(stall + milliseconds{200});
  all += read_piece(*exchange, 7);
  return all + read_all(*exchange, 777).value_or("");
}

// Who reads slowly, or little at a time, misses nothing, and is not taken for a side that stalls.
TEST(Exchange, AReaderMayTakeItsTime) {
  std::string long_text;
  for (int i = 0; i < 300'000; ++i) long_text += std::to_string(i) + " ";
  std::string all;
  for (seconds stall{1}; all != long_text && stall < seconds{60}; stall *= 4)
    all = read_slowly(long_text, stall);
  EXPECT_TRUE(all == long_text) << all.size() << " of " << long_text.size();
}

TEST(Exchange, APieceArrivesBeforeTheNextIsWritten) {
  std::promise<void> first_came;
  std::string request;
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until("first");
    first_came.set_value();
    request = connection.read_until("0\r\n\r\n");
    connection.send("HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n");
  }});
  const auto client = client_of();
  const auto exchange =
      client->start({.method = "POST", .url = peer.url(), .written = true}).value();
  ASSERT_TRUE(exchange->write(bytes_of("first")));
  ASSERT_EQ(first_came.get_future().wait_for(seconds{60}), std::future_status::ready);
  const std::string long_piece(3 << 20, 'x');
  ASSERT_TRUE(exchange->write(bytes_of(long_piece)));
  ASSERT_TRUE(exchange->write({})) << "nothing, and not the end";
  ASSERT_TRUE(exchange->write(bytes_of("last")));
  exchange->finish();
  EXPECT_EQ(exchange->head().value().status, 201);
  EXPECT_EQ(read_piece(*exchange), "");
  EXPECT_TRUE(request.starts_with("POST / HTTP/1.1\r\n")) << request.substr(0, 100);
  EXPECT_NE(request.find("\r\nlast\r\n0\r\n\r\n"), std::string::npos);
  EXPECT_EQ(std::ranges::count(request, 'x'), std::ssize(long_piece));
}

// Both ways at once, as in a session of commands and answers.
TEST(Exchange, AnswersComeWhileTheBodyIsWritten) {
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until("question");
    connection.send(std::string(kChunked) + "6\r\nanswer\r\n");
    connection.read_until("0\r\n\r\n");
    connection.send("0\r\n\r\n");
  }});
  const auto client = client_of();
  const auto exchange =
      client->start({.method = "POST", .url = peer.url(), .written = true}).value();
  ASSERT_TRUE(exchange->write(bytes_of("question")));
  EXPECT_EQ(read_piece(*exchange), "answer");
  ASSERT_TRUE(exchange->write(bytes_of("thanks")));
  exchange->finish();
  EXPECT_EQ(read_piece(*exchange), "");
}

TEST(Exchange, ARefusalIsHeardWhileTheBodyIsWritten) {
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until("piece");
    connection.send("HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno");
    connection.await_end();
  }});
  const auto client = client_of();
  auto exchange = client->start({.method = "PUT", .url = peer.url(), .written = true}).value();
  const std::string piece = std::string(1 << 20, 'x') + "piece";
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(exchange->write(bytes_of(piece))) << i;
  exchange->finish();
  EXPECT_EQ(exchange->head().value().status, 413);
  EXPECT_EQ(read_all(*exchange).value(), "no");
  exchange.reset();
}

TEST(Exchange, WhoTakesNothingStalls) {
  std::latch ended(1);
  TestPeer peer({[&](TestConnection& connection) {
    connection.read_until(kEndOfHead);
    ended.wait();
  }});
  const auto client = client_of(seconds{1});
  const auto exchange =
      client->start({.method = "PUT", .url = peer.url(), .written = true}).value();
  const std::string piece(64 << 20, 'x');
  const auto written = exchange->write(bytes_of(piece));
  ended.count_down();
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(exchange->head().error().code(), ErrorCode::kBusy);
}

TEST(Exchange, WhoIsNotThereIsBusy) {
  const auto client = client_of();
  const auto exchange = client->start({.url = "http://127.0.0.1:1/"}).value();
  const auto head = exchange->head();
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code(), ErrorCode::kBusy);
  EXPECT_NE(exchange->trouble(), "");
  EXPECT_EQ(exchange->head().error().code(), ErrorCode::kBusy);
}

TEST(Exchange, AnAddressThatIsNoneIsBadInput) {
  const auto client = client_of();
  const auto exchange = client->start({.url = "file:///etc/passwd"}).value();
  EXPECT_EQ(exchange->head().error().code(), ErrorCode::kInvalidInput);
  EXPECT_EQ(exchange->trouble(), "");
}

}  // namespace
}  // namespace reprise::http
