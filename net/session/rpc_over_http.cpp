#include "net/session/rpc_over_http.hpp"

#include "net/http/idempotency_key.hpp"
#include "net/loop/owned_by_worker.hpp"
#include "net/loop/thrown.hpp"
#include "net/session/http_session.hpp"
#include "wire/frame.hpp"
#include "wire/json.hpp"
#include "wire/position.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/dynamic_message.h>

#include <charconv>

namespace stadion::net {
namespace pb = google::protobuf;
namespace {

constexpr std::chrono::milliseconds budget_default{10'000};

std::unique_ptr<pb::Message> make(const pb::Descriptor* type) {
    return std::unique_ptr<pb::Message>(pb::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

std::string to_json(const pb::Descriptor* type, std::string_view body, std::string_view tail) {
    auto message = make(type);
    std::string bytes(body);
    bytes.append(tail);
    message->ParseFromString(bytes);
    return wire::to_json(*message);
}

// Over HTTP too, an answer is at most as large as a reply frame.
http_response to_response(const wire::method& method, std::string_view body, std::string_view tail) {
    const auto size = body.size() + tail.size();
    if (size > wire::payload_max)
        return problem(wire::make_error(wire::status::resource_exhausted,
                                        "the answer of " + method.full_name() + " has " +
                                            std::to_string(size) +
                                            " bytes, which is too many; ask for less, or for pages"));
    return json_response(to_json(method.descriptor->output_type(), body, tail) + "\n");
}

std::uint64_t number_in(std::string_view text, std::uint64_t otherwise) {
    std::uint64_t value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

class http_pending final : public pending_call {
public:
    using pending_call::reply;

    http_pending(std::shared_ptr<http_exchange> exchange, const wire::method& method, v1::Metadata metadata,
                 std::chrono::milliseconds budget)
        : pending_call(exchange->home(), std::move(metadata), deadline_wheel::clock::now() + budget),
          exchange_(std::move(exchange)),
          method_(method) {
        exchange_->on_abandoned = [this] {
            expiry_.disarm();
            abandon();
        };
        if (method_.streaming) {
            exchange_->begin_stream("application/x-ndjson");
            exchange_->on_drained = [this] {
                if (on_drained) on_drained();
            };
        } else {
            home_.arm(expiry_, budget);
        }
    }

    ~http_pending() override {
        exchange_->on_abandoned = nullptr;
        exchange_->on_drained = nullptr;
        if (!open_) return;
        contained("an answer was", [this] {
            fail(wire::make_error(wire::status::internal, "the request was dropped without an answer"));
        });
    }

    void reply(std::string_view body, std::string_view tail) override {
        if (!end()) return;
        if (method_.streaming) return exchange_->end_stream();
        exchange_->respond(to_response(method_, body, tail));
    }

    void fail(const wire::error& failure) override {
        if (!end()) return;
        if (!method_.streaming) return exchange_->fail(failure);
        exchange_->write(
            problem(failure).body); // the status line was sent already: the last line is the error
        exchange_->end_stream();
    }

    void event(std::string_view body) override {
        if (open_) exchange_->write(to_json(method_.descriptor->output_type(), body, {}) + "\n");
    }

    bool is_congested() const noexcept override { return exchange_->is_congested(); }
    bool hold(std::size_t bytes) noexcept override {
        if (exchange_->is_open()) exchange_->link().hold(bytes);
        return true; // one request at a time, of at most 1 MiB
    }

private:
    void on_expiry() {
        const auto abandoned = std::exchange(on_abandoned, nullptr);
        fail(wire::make_error(wire::status::deadline_exceeded, "the request's budget is spent"));
        if (abandoned) abandoned();
    }

    bool end() {
        if (!std::exchange(open_, false)) return false;
        expiry_.disarm();
        exchange_->on_abandoned = nullptr;
        return true;
    }

    std::shared_ptr<http_exchange> exchange_;
    const wire::method& method_;
    member_deadline<http_pending, &http_pending::on_expiry> expiry_{*this};
};

class http_call final : public call {
public:
    using reply_sink::reply;

    http_call(std::shared_ptr<http_exchange> exchange, const wire::method& method, std::string_view body,
              std::string_view metadata, role_set roles, std::chrono::milliseconds budget)
        : call(exchange->link(), method, body, metadata, roles, budget), exchange_(std::move(exchange)) {}

    void reply(std::string_view body, std::string_view tail) override {
        if (std::exchange(answered_, true)) return;
        exchange_->respond(to_response(method_, body, tail));
    }

    void fail(const wire::error& failure) override {
        if (std::exchange(answered_, true)) return;
        exchange_->fail(failure);
    }

    bool is_from_lasting_connection() const noexcept override { return false; }

    std::shared_ptr<pending_call> defer() override {
        answered_ = true;
        return make_owned_by<http_pending>(exchange_->home(), exchange_, method_, metadata(), budget_);
    }

private:
    std::shared_ptr<http_exchange> exchange_;
};

void answer(server_context& server, http_request&& request, const std::shared_ptr<http_exchange>& exchange) {
    const auto name = request.captures[0] + "." + request.captures[1];
    const auto* method = wire::methods().find(request.captures[0], request.captures[1]);
    if (method == nullptr)
        return exchange->fail(wire::make_error(wire::status::not_found, "no such method: " + name));
    const auto* route = server.rpc.find(method->number);
    if (route == nullptr) return exchange->fail(rpc_router::not_offered(method->number, server.kind));
    if (auto allowed = access_policy::check(request.roles, route->need, name); !allowed)
        return exchange->fail(allowed.error());

    auto message = make(method->descriptor->input_type());
    if (auto parsed = wire::from_json(request.body, *message); !parsed) return exchange->fail(parsed.error());
    auto key = idempotency_key_of(request);
    if (!key) return exchange->fail(key.error());
    v1::Metadata metadata;
    metadata.set_idempotency_key(*std::move(key));
    if (const auto header = request.header("stadion-seen"); !header.empty()) {
        const auto seen = wire::parse_position(header);
        if (!seen)
            return exchange->fail(wire::make_error(wire::status::invalid_argument,
                                                   "Stadion-Seen is neither a sequence nor board-sequence: " +
                                                       std::string(header)));
        metadata.set_seen_sequence(seen->sequence);
        metadata.set_seen_board(seen->board);
    }
    const auto encoded_metadata = metadata.SerializeAsString();
    const auto body = message->SerializeAsString();
    const auto budget = std::chrono::milliseconds(
        number_in(request.header("stadion-budget"), static_cast<std::uint64_t>(budget_default.count())));
    http_call one(exchange, *method, body, encoded_metadata, request.roles, budget);
    route->run(one);
    if (!one.is_answered())
        one.fail(
            wire::make_error(wire::status::internal, name + " gave no answer; this is a bug in the server"));
}

} // namespace

void add_rpc_over_http(server_context& server) {
    server.http.on_exchange(
        http_method::post, "/rpc/{service}/{method}", anyone,
        [&server](http_request&& request, const std::shared_ptr<http_exchange>& exchange) {
            answer(server, std::move(request), exchange);
        });
}

} // namespace stadion::net
