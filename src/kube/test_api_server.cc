// SPDX-License-Identifier: Apache-2.0
#include "kube/test_api_server.h"

#include <gtest/gtest.h>

#include <utility>

#include "json/reader.h"
#include "json/writer.h"

namespace reprise::kube {

using nlohmann::json;

TestAnswer test_answer(const json& object, int status) {
  return {.status = status, .body = json_writer::print(object)};
}

TestAnswer test_failure(int status, const std::string& reason, const std::string& name) {
  return test_answer({{"kind", "Status"},
                      {"apiVersion", "v1"},
                      {"status", "Failure"},
                      {"reason", reason},
                      {"message", reason + " of '" + name + "'"},
                      {"details", {{"name", name}}},
                      {"code", status}},
                     status);
}

json test_object(const std::string& name, const std::string& version, const std::string& uid) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata",
           {{"name", name},
            {"namespace", "x"},
            {"uid", uid.empty() ? "uid-" + name : uid},
            {"resourceVersion", version},
            {"managedFields", json::array({{{"manager", "somebody"}}})}}}};
}

json test_list(const std::vector<json>& items, const std::string& version,
               const std::string& next) {
  json list{{"apiVersion", "v1"},
            {"kind", "PodList"},
            {"metadata", {{"resourceVersion", version}}},
            {"items", items}};
  if (!next.empty()) list["metadata"]["continue"] = next;
  for (json& item : list["items"]) {
    item.erase("kind");
    item.erase("apiVersion");
  }
  return list;
}

TestApiServer::TestApiServer(Handler handler) : handler_(std::move(handler)) {
  (void)directory_.file("token", "first\n");
  listen();
}

TestApiServer::~TestApiServer() { go_away(); }

void TestApiServer::listen() {
  server_ = std::make_unique<httplib::SSLServer>(certificate_.cert_file.c_str(),
                                                 certificate_.key_file.c_str());
  server_->new_task_queue = [] { return new httplib::ThreadPool(32); };
  server_->set_keep_alive_timeout(1);  // s, by which its end waits for connections
  const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
    answer(request, response);
  };
  server_->Get(".*", handle).Post(".*", handle).Put(".*", handle).Patch(".*", handle);
  server_->Delete(".*", handle);
  if (port_ == 0)
    port_ = server_->bind_to_any_port("127.0.0.1");
  else
    ASSERT_TRUE(test_wait([this] { return server_->bind_to_port("127.0.0.1", port_); }));
  ending_ = false;
  thread_ = std::thread([this] { server_->listen_after_bind(); });
}

void TestApiServer::go_away() {
  if (!thread_.joinable()) return;
  ending_ = true;
  test_wait([this] { return server_->is_running(); });
  server_->stop();
  thread_.join();
}

void TestApiServer::come_back() { listen(); }

void TestApiServer::answer(const httplib::Request& request, httplib::Response& response) {
  const std::size_t question = request.target.find('?');
  TestRequest asked{
      .method = request.method,
      .path = request.path,
      .query = question == std::string::npos ? "" : request.target.substr(question + 1),
      .authorization = request.get_header_value("Authorization"),
      .type = request.get_header_value("Content-Type"),
      .body = request.body};
  {
    const std::scoped_lock hold(lock_);
    requests_.push_back(asked);
  }
  TestAnswer answer = handler_(asked);
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  if (!answer.stream) {
    response.set_content(answer.body, "application/json");
    return;
  }
  response.set_chunked_content_provider(
      "application/json",
      [this, stream = std::move(answer.stream)](std::size_t, httplib::DataSink& sink) {
        TestStream out(sink, ending_);
        if (stream(out) == StreamEnd::kCut) return false;
        sink.done();
        return true;
      });
}

Access TestApiServer::access() const {
  Access access;
  access.server = "https://127.0.0.1:" + std::to_string(port_);
  access.ca_file = authority_.ca_file();
  access.token_file = token_file().string();
  access.namespace_ = "x";
  return access;
}

ClientOptions TestApiServer::fast() {
  return {.requests_per_second = 1000,
          .burst = 1000,
          .patience = {.connect = std::chrono::seconds{60},
                       .stall = std::chrono::seconds{60},
                       .tries = 3,
                       .backoff = std::chrono::milliseconds{10}}};
}

std::unique_ptr<Client> TestApiServer::client(ClientOptions options) const {
  auto client = Client::open(access(), "reprise-test", options);
  EXPECT_TRUE(client) << client.error().message();
  return std::move(*client);
}

std::vector<TestRequest> TestApiServer::requests() const {
  const std::scoped_lock hold(lock_);
  return requests_;
}

TestAnswer TestObjects::put(const std::string& path, json object) {
  object["metadata"]["resourceVersion"] = std::to_string(++version_);
  objects_[path] = object;
  return test_answer(object);
}

TestAnswer TestObjects::operator()(const TestRequest& request) {
  const std::scoped_lock hold(lock_);
  json object = json_reader::parse_or_discarded(request.body);
  const auto found = objects_.find(request.path);
  if (request.method == "POST") {
    const std::string path = request.path + "/" + object["metadata"]["name"].get<std::string>();
    return objects_.contains(path) ? test_failure(409, "AlreadyExists") : put(path, object);
  }
  if (found == objects_.end()) return test_failure(404, "NotFound");
  if (request.method == "GET") return test_answer(found->second);
  if (request.method == "PATCH") {
    json merged = found->second;
    merged.merge_patch(object);
    return put(request.path, merged);
  }
  if (object["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"])
    return test_failure(409, "Conflict");
  return put(request.path, object);
}

std::map<std::string, json> TestObjects::all() const {
  const std::scoped_lock hold(lock_);
  return objects_;
}

void TestObjects::set(const std::string& path, json object) {
  const std::scoped_lock hold(lock_);
  put(path, std::move(object));
}

bool test_wait(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

}  // namespace reprise::kube
