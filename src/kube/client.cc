// SPDX-License-Identifier: Apache-2.0
#include "kube/client.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "http/client.h"
#include "http/url.h"
#include "json/lenient.h"
#include "json/reader.h"
#include "json/writer.h"
#include "kube/internal/credentials.h"
#include "kube/internal/refusal.h"
#include "kube/internal/request_pace.h"
#include "kube/internal/stream.h"

namespace reprise::kube {

using base::Error;
using base::ErrorCode;
using base::fail;
using json_reader::child_of;
using json_reader::text_in;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t kAnswerLimit = std::size_t{256} << 20;  // a chunk of 500 large objects
constexpr std::size_t kRefusalLimit = std::size_t{1} << 20;
constexpr milliseconds kLongestRetryAfter{10'000};

Result<std::string> read_all(http::Exchange& exchange, std::size_t limit) {
  constexpr std::size_t kPiece = std::size_t{64} << 10;
  std::vector<std::byte> piece(kPiece);
  std::string body;
  for (;;) {
    const std::size_t bytes = REPRISE_PASS(exchange.read(piece));
    if (bytes == 0) return body;
    if (body.size() + bytes > limit)
      return fail(ErrorCode::kCorrupt,
                  "an answer of more than " + std::to_string(limit) + " bytes");
    body.append(reinterpret_cast<const char*>(piece.data()), bytes);
  }
}

bool may_pass(long status) { return status >= 500 || status == 408 || status == 429; }

// What the server asks for, in seconds; dates are not used by it.
std::optional<milliseconds> retry_after(const std::map<std::string, std::string>& headers) {
  const auto found = headers.find("retry-after");
  if (found == headers.end()) return std::nullopt;
  unsigned seconds = 0;
  const std::string& text = found->second;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (read.ec != std::errc()) return std::nullopt;
  return std::min(milliseconds(std::chrono::seconds(seconds)), kLongestRetryAfter);
}

// A stop is no lost compare-and-swap, which has kGone.
Error given_up(Error error) {
  if (error.code() != ErrorCode::kGone) return error;
  return {ErrorCode::kBusy, "the request was given up"};
}

void drop_managed_fields(json& object) {
  const auto metadata = object.find("metadata");
  if (metadata != object.end() && metadata->is_object()) metadata->erase("managedFields");
}

Result<json> object_in(std::string_view text, const std::string& path) {
  json object = json_reader::parse_or_discarded(text);
  if (!object.is_object())
    return fail(ErrorCode::kCorrupt, "what the API server answers for '" + path + "' is no object");
  drop_managed_fields(object);
  return object;
}

std::string query_of(const ListOptions& options) {
  std::string query = "?";
  if (!options.label_selector.empty())
    query += "labelSelector=" + http::url_encode(options.label_selector) + "&";
  if (!options.field_selector.empty())
    query += "fieldSelector=" + http::url_encode(options.field_selector) + "&";
  return query;
}

// Objects of a list have their kind in the list alone.
void append_items(json& page, List& list) {
  std::string kind = text_in(page, "kind");
  if (kind.ends_with("List")) kind.resize(kind.size() - 4);
  const auto items = page.find("items");
  if (items == page.end() || !items->is_array()) return;
  for (json& item : *items) {
    if (!item.is_object()) continue;
    if (!item.contains("kind")) item["kind"] = kind;
    if (!item.contains("apiVersion")) item["apiVersion"] = text_in(page, "apiVersion");
    drop_managed_fields(item);
    list.items.push_back(std::move(item));
  }
}

}  // namespace

bool is_conflict(const Error& error) { return error.code() == ErrorCode::kGone; }

struct Client::Call {
  std::string_view verb;  // of RBAC
  std::string method;
  std::string path;
  std::string query;
  std::string body;
  std::string_view type = "application/json";
  bool repeatable = false;  // doing it twice is as good as once
  Stop stop = nullptr;
};

struct Client::Answer {
  http::Head head;
  std::string body;
  const http::Client* by = nullptr;
};

Client::Client(std::unique_ptr<Credentials> credentials, std::string user_agent,
               ClientOptions options)
    : credentials_(std::move(credentials)),
      pace_(std::make_unique<RequestPace>(options.requests_per_second, options.burst)),
      user_agent_(std::move(user_agent)),
      options_(options) {}
Client::~Client() = default;

Result<std::unique_ptr<Client>> Client::open(Access access, std::string user_agent,
                                             ClientOptions options) {
  auto credentials = REPRISE_PASS(Credentials::open(std::move(access), options.patience));
  return std::unique_ptr<Client>(
      new Client(std::move(credentials), std::move(user_agent), options));
}

const std::string& Client::server() const { return credentials_->access().server; }
const std::string& Client::own_namespace() const { return credentials_->access().namespace_; }

Result<Client::Answer> Client::ask_once(const Call& call) {
  const auto connections = REPRISE_PASS(credentials_->connections());
  http::Request request{.method = call.method,
                        .url = server() + call.path + call.query,
                        .headers = {"Accept: application/json", "User-Agent: " + user_agent_},
                        .stop = call.stop};
  if (!call.body.empty()) {
    request.headers.push_back("Content-Type: " + std::string(call.type));
    request.body.emplace(call.body);
  }
  const auto exchange = REPRISE_PASS(connections->start(std::move(request)));
  Answer answer;
  answer.by = connections.get();
  answer.head = REPRISE_PASS(exchange->head());
  answer.body =
      REPRISE_PASS(read_all(*exchange, answer.head.success() ? kAnswerLimit : kRefusalLimit));
  return answer;
}

// The answer, whatever its status, after tries.
Result<Client::Answer> Client::ask(const Call& call) {
  milliseconds wait = options_.patience.backoff;
  bool renewed = false;
  for (int left = std::max(options_.patience.tries, 1);; --left) {
    if (!pace_->take(call.stop)) return fail(ErrorCode::kBusy, "the request was given up");
    Result<Answer> answer = ask_once(call);
    note_answer(call.method, answer ? answer->head.status : 0);
    if (answer && answer->head.status == 401 && !std::exchange(renewed, true) &&
        credentials_->renew(answer->by))
      continue;
    const bool passes =
        answer ? may_pass(answer->head.status) : answer.error().code() == ErrorCode::kBusy;
    const bool may_repeat = call.repeatable || (answer && answer->head.status == 429);
    if (!passes || !may_repeat || left <= 1) {
      if (!answer) return std::unexpected(given_up(std::move(answer).error()));
      return answer;
    }
    const auto asked = answer ? retry_after(answer->head.headers) : std::nullopt;
    if (!pause_for(with_jitter(wait) + asked.value_or(milliseconds{0}), call.stop))
      return fail(ErrorCode::kBusy, "the request was given up");
    wait = std::min(wait * 2, http::Patience::kLongestBackoff);
  }
}

Result<json> Client::call(const Call& call) {
  const Answer answer = REPRISE_PASS(ask(call));
  if (!answer.head.success())
    return std::unexpected(refusal({.server = server(), .verb = call.verb, .path = call.path},
                                   answer.head.status, answer.body));
  return object_in(answer.body, call.path);
}

Result<json> Client::get(const std::string& path, Stop stop) {
  return call({.verb = "get",
               .method = "GET",
               .path = path,
               .query = "",
               .repeatable = true,
               .stop = stop});
}

Result<List> Client::list(const std::string& path, const ListOptions& options, Stop stop) {
  List list;
  std::string next;
  std::size_t chunk = options.chunk;
  const std::string query = query_of(options);
  for (;;) {
    Result<json> page = call({.verb = "list",
                              .method = "GET",
                              .path = path,
                              .query = query + (chunk > 0 ? "limit=" + std::to_string(chunk) : "") +
                                       (next.empty() ? "" : "&continue=" + http::url_encode(next)),
                              .repeatable = true,
                              .stop = stop});
    // The moment of the first chunk is no longer in the server's history: all in one, then.
    if (!page && page.error().code() == ErrorCode::kGone && !next.empty()) {
      list = {};
      next.clear();
      chunk = 0;
      continue;
    }
    if (!page) return std::unexpected(std::move(page).error());
    append_items(*page, list);
    const json& metadata = child_of(*page, "metadata");
    list.resource_version = text_in(metadata, "resourceVersion");
    next = text_in(metadata, "continue");
    if (next.empty()) return list;
  }
}

Result<json> Client::create(const std::string& path, const json& object, Stop stop) {
  return call({.verb = "create",
               .method = "POST",
               .path = path,
               .query = "",
               .body = json_writer::print(object),
               .stop = stop});
}

Result<json> Client::update(const std::string& path, const json& object, Stop stop) {
  if (text_in(child_of(object, "metadata"), "resourceVersion").empty())
    return fail(ErrorCode::kInvalidInput,
                "cannot update '" + path + "': the object has no resourceVersion to compare with");
  return call({.verb = "update",
               .method = "PUT",
               .path = path,
               .query = "",
               .body = json_writer::print(object),
               .stop = stop});
}

Result<json> Client::update_status(const std::string& path, const json& object, Stop stop) {
  return update(path + "/status", object, stop);
}

Result<json> Client::merge(const std::string& path, const json& patch, Stop stop) {
  return call({.verb = "patch",
               .method = "PATCH",
               .path = path,
               .query = "",
               .body = json_writer::print(patch),
               .type = "application/merge-patch+json",
               .stop = stop});
}

Result<json> Client::apply(const std::string& path, const json& object,
                           std::string_view field_manager, Stop stop) {
  return call({.verb = "patch",
               .method = "PATCH",
               .path = path,
               .query = "?force=true&fieldManager=" + http::url_encode(field_manager),
               .body = json_writer::print(object),
               .type = "application/apply-patch+yaml",
               .repeatable = true,
               .stop = stop});
}

Result<void> Client::remove(const std::string& path, const Preconditions& only_if, Stop stop) {
  json options{{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!only_if.uid.empty()) options["preconditions"]["uid"] = only_if.uid;
  if (!only_if.resource_version.empty())
    options["preconditions"]["resourceVersion"] = only_if.resource_version;
  REPRISE_PASS(call({.verb = "delete",
                     .method = "DELETE",
                     .path = path,
                     .query = "",
                     .body = json_writer::print(options),
                     .stop = stop}));
  return {};
}

void Client::note_answer(std::string_view method, long status) const {
  if (options_.on_answer) options_.on_answer(method, status);
}

Result<std::unique_ptr<Stream>> Client::open_stream(const std::string& path_and_query,
                                                    std::chrono::seconds silence, Stop stop) {
  if (!pace_->take(stop)) return fail(ErrorCode::kBusy, "the request was given up");
  bool renewed = false;
  for (;;) {
    const auto connections = REPRISE_PASS(credentials_->connections());
    auto exchange = REPRISE_PASS(
        connections->start({.url = server() + path_and_query,
                            .headers = {"Accept: application/json", "User-Agent: " + user_agent_},
                            .stall = silence,
                            .stop = stop}));
    const auto answered = exchange->head();
    note_answer("WATCH", answered ? answered->status : 0);
    const http::Head head = REPRISE_PASS(answered);
    if (head.success()) return std::make_unique<Stream>(connections, std::move(exchange));
    const std::string body = REPRISE_PASS(read_all(*exchange, kRefusalLimit));
    if (head.status == 401 && !std::exchange(renewed, true) &&
        credentials_->renew(connections.get()))
      continue;
    if (is_of_another_history(body))
      return fail(ErrorCode::kGone, "the API server's history is another one than ours");
    return std::unexpected(
        refusal({.server = server(), .verb = "watch", .path = path_and_query}, head.status, body));
  }
}

}  // namespace reprise::kube
