// SPDX-License-Identifier: Apache-2.0
//
// For tests only: a side over TLS that answers as a test says.
#pragma once

#include <httplib.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "http/test_certificates.h"
#include "json/writer.h"
#include "kube/client.h"
#include "sys/test_directory.h"

namespace reprise::kube {

struct TestRequest {
  std::string method, path, query, authorization, type, body;
};

// Where an answer goes that comes piece by piece, each a chunk of its own.
class TestStream {
 public:
  TestStream(httplib::DataSink& sink, const std::atomic<bool>& ending)
      : sink_(sink), ending_(ending) {}
  void send(const std::string& piece) const { sink_.write(piece.data(), piece.size()); }
  void send_event(const std::string& type, const nlohmann::json& object) const {
    send(json_writer::print(nlohmann::json{{"type", type}, {"object", object}}) + "\n");
  }
  // Until `over`, the test's end, or the other side has gone.
  void hold(const std::function<bool()>& over = nullptr) const {
    while (!ending_ && sink_.is_writable() && (!over || !over()))
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }

 private:
  httplib::DataSink& sink_;
  const std::atomic<bool>& ending_;
};

// How a stream ends: as it should, or cut off.
enum class StreamEnd : unsigned char { kWhole, kCut };

struct TestAnswer {
  int status = 200;
  std::string body = "{}";
  std::vector<std::pair<std::string, std::string>> headers;
  std::function<StreamEnd(TestStream&)> stream = nullptr;
};

TestAnswer test_answer(const nlohmann::json& object, int status = 200);
// A Status as the server makes it.
TestAnswer test_failure(int status, const std::string& reason, const std::string& name = "it");
nlohmann::json test_object(const std::string& name, const std::string& version,
                           const std::string& uid = "");
nlohmann::json test_list(const std::vector<nlohmann::json>& items, const std::string& version,
                         const std::string& next = "");

class TestApiServer {
 public:
  using Handler = std::function<TestAnswer(const TestRequest&)>;
  explicit TestApiServer(Handler handler);
  ~TestApiServer();
  TestApiServer(const TestApiServer&) = delete;
  TestApiServer& operator=(const TestApiServer&) = delete;

  // An Access with a token file, which is `token()`.
  [[nodiscard]] Access access() const;
  [[nodiscard]] std::filesystem::path token_file() const { return directory_ / "token"; }
  // Tries again soon, and waits long for one that does not answer: a test ends such a request
  // itself.
  [[nodiscard]] std::unique_ptr<Client> client(ClientOptions options = fast()) const;
  [[nodiscard]] static ClientOptions fast();
  // The requests so far, in the order in which they came.
  [[nodiscard]] std::vector<TestRequest> requests() const;
  // Away: nobody listens; back: on the same port.
  void go_away();
  void come_back();

 private:
  void listen();
  void answer(const httplib::Request& request, httplib::Response& response);

  sys::TestDirectory directory_;
  http::TestAuthority authority_{directory_, "ca"};
  http::TestCertificate certificate_ = authority_.issue("server", "IP:127.0.0.1");
  Handler handler_;
  mutable std::mutex lock_;
  std::vector<TestRequest> requests_;
  std::atomic<bool> ending_ = false;
  std::unique_ptr<httplib::SSLServer> server_;
  std::thread thread_;
  int port_ = 0;
};

// Objects that are made, swapped and merged as the API server does it; to be a Handler.
class TestObjects {
 public:
  TestAnswer operator()(const TestRequest& request);
  // By path, as they are now.
  [[nodiscard]] std::map<std::string, nlohmann::json> all() const;
  void set(const std::string& path, nlohmann::json object);

 private:
  TestAnswer put(const std::string& path, nlohmann::json object);
  mutable std::mutex lock_;
  std::map<std::string, nlohmann::json> objects_;
  int version_ = 0;
};

// Waits for a condition, 60 s at most.
bool test_wait(const std::function<bool()>& condition);
// For what "soon" means: more than any host needs, less than a request takes that nobody ends.
inline constexpr std::chrono::seconds kTestSoon{30};

}  // namespace reprise::kube
