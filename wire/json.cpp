#include "wire/json.hpp"

#include "wire/strict_json.hpp"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

#include <set>

namespace stadion::wire {
namespace pb = google::protobuf;

namespace {

using nlohmann::json;

result<void> check_fields(const json& value, const pb::Descriptor& type);

result<void> check_field(const json& value, const pb::FieldDescriptor& field) {
    if (field.cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) return {};
    if (field.is_map()) {
        const auto& inner = *field.message_type()->map_value();
        for (const auto& one : value)
            if (auto once = check_field(one, inner); !once) return once;
        return {};
    }
    if (!value.is_array()) return check_fields(value, *field.message_type());
    for (const auto& one : value)
        if (auto once = check_fields(one, *field.message_type()); !once) return once;
    return {};
}

// A field has two names, server_id and serverId: it may be there by one of them.
result<void> check_fields(const json& value, const pb::Descriptor& type) {
    if (!value.is_object()) return {};
    std::set<int> seen;
    for (const auto& [name, inner] : value.items()) {
        const auto* field = type.FindFieldByName(name);
        if (field == nullptr) field = type.FindFieldByCamelcaseName(name);
        if (field == nullptr) continue; // the parser says so
        if (!seen.insert(field->number()).second)
            return make_error(status::invalid_argument,
                              type.name() + ": the field '" + field->name() + "' is there twice");
        if (auto once = check_field(inner, *field); !once) return once;
    }
    return {};
}

} // namespace

std::string to_json(const pb::Message& message) {
    pb::util::JsonPrintOptions options;
    options.always_print_primitive_fields = true;
    options.preserve_proto_field_names = true;
    std::string text;
    const auto status = pb::util::MessageToJsonString(message, &text, options);
    return status.ok() ? text : "{}";
}

result<void> from_json(std::string_view text, pb::Message& message) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return {}; // an empty request
    if (auto sound = check_json(text); !sound) return sound;
    const auto& type = *message.GetDescriptor();
    if (auto once = check_fields(nlohmann::json::parse(text, nullptr, false), type); !once) return once;
    const auto parsed = pb::util::JsonStringToMessage(pb::StringPiece(text.data(), text.size()), &message);
    if (parsed.ok()) return {};
    return make_error(status::invalid_argument, type.name() + ": " + std::string(parsed.message()));
}

} // namespace stadion::wire
