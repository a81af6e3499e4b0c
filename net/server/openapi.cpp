#include "net/server/openapi.hpp"

#include "net/server/server.hpp"

#include <google/protobuf/descriptor.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace stadion::net {
namespace {

using nlohmann::ordered_json;
namespace pb = google::protobuf;

ordered_json reference(const pb::Descriptor& type) {
    return {{"$ref", "#/components/schemas/" + type.name()}};
}

ordered_json schema_of(const pb::FieldDescriptor& field) {
    using F = pb::FieldDescriptor;
    switch (field.cpp_type()) {
    case F::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
    case F::CPPTYPE_STRING:
        return {{"type", "string"}};
    case F::CPPTYPE_DOUBLE:
    case F::CPPTYPE_FLOAT:
        return {{"type", "number"}};
    case F::CPPTYPE_INT32:
    case F::CPPTYPE_UINT32:
        return {{"type", "integer"}};
    case F::CPPTYPE_INT64:
    case F::CPPTYPE_UINT64:
        return {{"type", "string"}, {"format", "int64"}};
    case F::CPPTYPE_MESSAGE:
        return reference(*field.message_type());
    case F::CPPTYPE_ENUM: {
        auto names = ordered_json::array();
        for (int i = 0; i < field.enum_type()->value_count(); ++i)
            names.push_back(field.enum_type()->value(i)->name());
        return {{"type", "string"}, {"enum", names}};
    }
    }
    return {};
}

// Adds the schema of the type and of all types in it.
void add_schema(const pb::Descriptor& type, ordered_json& schemas) {
    if (schemas.contains(type.name())) return;
    schemas[type.name()] = {{"type", "object"}};
    auto properties = ordered_json::object();
    for (int i = 0; i < type.field_count(); ++i) {
        const auto& field = *type.field(i);
        if (field.is_map()) {
            properties[field.name()] = {{"type", "object"},
                                        {"additionalProperties", schema_of(*field.message_type()->field(1))}};
            continue;
        }
        if (field.message_type() != nullptr) add_schema(*field.message_type(), schemas);
        properties[field.name()] = field.is_repeated()
                                       ? ordered_json{{"type", "array"}, {"items", schema_of(field)}}
                                       : schema_of(field);
    }
    if (!properties.empty()) schemas[type.name()]["properties"] = properties;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

ordered_json problem_responses() {
    return {{"description", "Why not"},
            {"content",
             {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}}}};
}

// The query parameters of GET requests, and the paths that have them.
struct query_parameter {
    std::string_view name;
    std::string_view what;
    std::array<std::string_view, 7> paths;
};
constexpr query_parameter query_parameters[] = {
    {"view",
     "live, for scorers, or public: while the board is frozen they differ",
     {"/v1/games", "/v1/games/{game}", "/v1/games/{game}/history", "/v1/teams", "/v1/teams/{team}",
      "/v1/stream", "/v1/feed"}},
    {"at", "a time (ISO 8601, or UNIX seconds): the board as it stood then", {"/v1/games", "/v1/teams"}},
    {"status", "only games with this status", {"/v1/games"}},
    {"page_size", "how many at most", {"/v1/games", "/v1/teams"}},
    {"page_token", "the next_page_token of the page before", {"/v1/games", "/v1/teams"}},
    {"topics", "games/*, teams/gauls, …, with commas between", {"/v1/stream", "/v1/feed"}},
    {"since", "the sequence of the last event seen", {"/v1/stream", "/v1/feed"}},
};

void add_query_parameters(const http_router::route& route, ordered_json& to) {
    if (route.method != http_method::get) return;
    for (const auto& one : query_parameters)
        if (std::find(one.paths.begin(), one.paths.end(), route.pattern) != one.paths.end())
            to.push_back({{"name", one.name},
                          {"in", "query"},
                          {"description", one.what},
                          {"schema", {{"type", "string"}}}});
}

ordered_json path_operation(const http_router::route& route) {
    ordered_json operation{{"summary", std::string(http_method_name(route.method)) + " " + route.pattern}};
    auto parameters = ordered_json::array();
    for (std::size_t open = route.pattern.find('{'); open != std::string::npos;
         open = route.pattern.find('{', open + 1)) {
        const auto close = route.pattern.find('}', open);
        parameters.push_back({{"name", route.pattern.substr(open + 1, close - open - 1)},
                              {"in", "path"},
                              {"required", true},
                              {"schema", {{"type", "string"}}}});
    }
    add_query_parameters(route, parameters);
    if (!parameters.empty()) operation["parameters"] = parameters;
    operation["responses"] = {{"200", {{"description", "Done"}}}, {"default", problem_responses()}};
    if (route.need != anyone)
        operation["security"] = ordered_json::array({{{"bearer", ordered_json::array()}}});
    return operation;
}

ordered_json rpc_operation(const wire::method& method, ordered_json& schemas) {
    const auto& descriptor = *method.descriptor;
    add_schema(*descriptor.input_type(), schemas);
    add_schema(*descriptor.output_type(), schemas);
    const char* type = method.streaming ? "application/x-ndjson" : "application/json";
    return {{"summary", method.full_name()},
            {"requestBody",
             {{"content", {{"application/json", {{"schema", reference(*descriptor.input_type())}}}}}}},
            {"responses",
             {{"200",
               {{"description", method.streaming ? "A line per event" : "The response"},
                {"content", {{type, {{"schema", reference(*descriptor.output_type())}}}}}}},
              {"default", problem_responses()}}}};
}

} // namespace

std::string make_openapi(const server_context& server) {
    ordered_json schemas;
    schemas["Problem"] = {{"type", "object"},
                          {"properties",
                           {{"type", {{"type", "string"}}},
                            {"title", {{"type", "string"}}},
                            {"status", {{"type", "integer"}}},
                            {"detail", {{"type", "string"}}},
                            {"code", {{"type", "string"}}},
                            {"origin", {{"type", "string"}}}}}};
    ordered_json paths = ordered_json::object();
    for (const auto& route : server.http.routes())
        if (!route.pattern.starts_with("/rpc/"))
            paths[route.pattern][lower(http_method_name(route.method))] = path_operation(route);
    for (const auto* method : server.rpc.offered())
        paths["/rpc/" + method->service + "/" + method->name]["post"] = rpc_operation(*method, schemas);
    return ordered_json{
        {"openapi", "3.1.0"},
        {"info", {{"title", "Stadion " + server.kind}, {"version", software_version()}}},
        {"paths", paths},
        {"components",
         {{"schemas", schemas}, {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}}}}
        .dump();
}

} // namespace stadion::net
