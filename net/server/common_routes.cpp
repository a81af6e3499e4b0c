#include "net/server/common_routes.hpp"

#include "net/os/descriptors.hpp"
#include "net/server/liveness.hpp"
#include "net/server/openapi.hpp"
#include "net/server/server.hpp"
#include "net/session/rpc_over_http.hpp"
#include "net/session/session_metrics.hpp"

#include "wire/proto/introspection.pb.h"

#include <google/protobuf/descriptor.pb.h>
#include <nlohmann/json.hpp>
#include <prometheus/text_serializer.h>

namespace stadion::net {
namespace {

using nlohmann::ordered_json;

constexpr role_set inside = role::operator_ | role::server;

std::string state_name(const server_context& context, bool ready) {
    return context.draining ? "DRAINING" : ready ? "UP" : "STARTING";
}

} // namespace

void common_routes::add_to(server& one) {
    add_health(one);
    add_status(one);
    add_introspection(one);
    add_rpc_over_http(one.context_);
}

void common_routes::add_health(server& one) {
    one.http().on_exchange(http_method::get, "/livez", anyone,
                           [&one](http_request&& request, const std::shared_ptr<http_exchange>& exchange) {
                               answer_liveness(one.threads(), exchange,
                                               request.parameter("verbose").has_value());
                           });
    one.http().on(http_method::get, "/readyz", anyone, [&one](const http_request& request) {
        const bool verbose = request.parameter("verbose").has_value();
        std::string text;
        bool ready = !one.context_.draining;
        if (!ready) text += "[-] draining\n";
        for (const auto& check : one.checks_) {
            const auto outcome = check.run();
            ready = ready && outcome.has_value();
            if (!outcome)
                text += "[-] " + check.name + ": " + outcome.error().message + "\n";
            else if (verbose)
                text += "[+] " + check.name + ": ok\n";
        }
        text += ready ? "ok\n" : "not ready\n";
        return text_response(std::move(text), ready ? 200 : 503);
    });
    one.rpc().on<v1::HealthRequest>(
        "Introspection", "Health", anyone,
        [&one](const v1::HealthRequest&, call&) -> wire::result<v1::HealthResponse> {
            v1::HealthResponse response;
            response.set_status(one.context_.draining ? v1::HealthResponse::DRAINING
                                : one.is_ready()      ? v1::HealthResponse::SERVING
                                                      : v1::HealthResponse::NOT_SERVING);
            return response;
        });
}

void common_routes::add_status(server& one) {
    one.http().on(http_method::get, "/status", inside, [&one](const http_request&) {
        const auto uptime = std::chrono::steady_clock::now() - one.started_;
        ordered_json status{
            {"server_id", one.context_.server_id.load()},
            {"kind", one.context_.kind},
            {"address", one.address_},
            {"version", software_version()},
            {"uptime_s", std::chrono::duration<double>(uptime).count()},
            {"clients", 0},
            {"capacity", 0},
            {"state", state_name(one.context_, one.is_ready())},
            {"leader", nullptr},
            {"epoch", one.context_.epoch.load()},
            {"clock", {{"error_us", 0}, {"rate_ppb", 0}, {"state", "LOCAL"}}},
            {"sequence", 0},
            {"connections", one.connections()},
            {"descriptors", {{"max", descriptors_max()}, {"left", descriptors_left()}}},
            {"held_bytes",
             {{"max", bytes_held_max()}, {"here", bytes_held_here()}, {"machine", bytes_held()}}},
        };
        for (const auto& add : one.status_) add(status);
        return json_response(status.dump() + "\n");
    });
    one.http().on(http_method::get, "/metrics", inside, [&one](const http_request&) {
        auto families = one.registry_->Collect();
        auto own = collect_session_metrics(one.context_, one.connections());
        families.insert(families.end(), own.begin(), own.end());
        for (const auto& add : one.metrics_) add(families);
        auto response = text_response(prometheus::TextSerializer().Serialize(families));
        response.content_type = "text/plain; version=0.0.4; charset=utf-8";
        return response;
    });
}

void common_routes::add_introspection(server& one) {
    one.rpc().on_encoded("Introspection", "Describe", anyone, [](call& request) {
        static const std::string description = wire::describe_methods().SerializeAsString();
        request.reply(description);
    });
    one.http().on(http_method::get, "/openapi.json", anyone, [&one](const http_request&) {
        static const auto document = make_openapi(one.context_);
        return json_response(document);
    });
    one.http().on(http_method::get, "/services", anyone, [&one](const http_request&) {
        auto services = ordered_json::array();
        int id = 0;
        for (const auto& service : one.services_) {
            auto methods = ordered_json::array();
            for (const auto* method : one.rpc().offered())
                if (method->service == service.name) methods.push_back(method->name);
            services.push_back({{"id", ++id},
                                {"name", service.name},
                                {"title", service.title},
                                {"methods", methods},
                                {"servers", {one.address_}},
                                {"wsdl", "/services/" + service.name + "?wsdl"}});
        }
        return json_response(ordered_json{{"services", services}}.dump() + "\n");
    });
}

} // namespace stadion::net
