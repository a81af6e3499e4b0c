#include "tools/cat/method_catalog.hpp"

#include "wire/json.hpp"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/dynamic_message.h>

#include <algorithm>

namespace stadion::tools {
namespace pb = google::protobuf;

struct method_catalog::pool {
    pb::SimpleDescriptorDatabase database;
    pb::DescriptorPool descriptors{&database};
    // One for all calls: a message type is made once.
    mutable pb::DynamicMessageFactory factory{&descriptors};
    std::vector<std::string> files;
    std::unique_ptr<wire::method_table> methods;

    std::unique_ptr<pb::Message> make(const pb::Descriptor* type) const {
        return std::unique_ptr<pb::Message>(factory.GetPrototype(type)->New());
    }
};

namespace {

std::string heading(const wire::method& method) {
    char number[8];
    std::snprintf(number, sizeof number, "0x%04x", method.number);
    return std::string(number) + "  " + method.full_name() + "  " + method.descriptor->input_type()->name() +
           (method.streaming ? " → stream of " : " → ") + method.descriptor->output_type()->name();
}

std::string describe_method(const wire::method& method) {
    auto text = heading(method) + "\n\n" + method.descriptor->input_type()->DebugString();
    const auto* answer = method.descriptor->output_type();
    if (answer->file()->package() != "google.protobuf") text += "\n" + answer->DebugString();
    return text;
}

} // namespace

method_catalog::method_catalog(std::unique_ptr<pool> owned) : pool_(std::move(owned)) {}
method_catalog::~method_catalog() = default;

wire::result<std::unique_ptr<method_catalog>> method_catalog::from(const pb::FileDescriptorSet& files) {
    auto owned = std::make_unique<pool>();
    for (const auto& file : files.file()) {
        owned->database.Add(file);
        owned->files.push_back(file.name());
    }
    for (const auto& name : owned->files)
        if (owned->descriptors.FindFileByName(name) == nullptr)
            return wire::make_error(wire::status::internal,
                                    "the server's description of " + name + " is not consistent");
    try {
        owned->methods = std::make_unique<wire::method_table>(owned->descriptors, owned->files);
    } catch (const std::logic_error& failure) {
        return wire::make_error(wire::status::internal,
                                std::string("the server's description: ") + failure.what());
    }
    return std::unique_ptr<method_catalog>(new method_catalog(std::move(owned)));
}

const wire::method_table& method_catalog::methods() const { return *pool_->methods; }

wire::result<std::string> method_catalog::describe(std::string_view name) const {
    std::string text;
    for (const auto* method : pool_->methods->find_by_text(name))
        text += (text.empty() ? "" : "\n") + describe_method(*method);
    if (!text.empty()) return text;
    for (const auto& method : pool_->methods->all())
        if (method.service == name) text += heading(method) + "\n";
    if (!text.empty()) return text;
    for (const std::string& prefix : {std::string("stadion.v1."), std::string()}) {
        const auto full = prefix + std::string(name);
        if (const auto* type = pool_->descriptors.FindMessageTypeByName(full)) return type->DebugString();
        if (const auto* type = pool_->descriptors.FindEnumTypeByName(full)) return type->DebugString();
    }
    return wire::make_error(wire::status::not_found, "no method, service or message is called " +
                                                         std::string(name) + "; \\list shows methods");
}

wire::result<std::string> method_catalog::encode_request(const wire::method& method,
                                                         std::string_view json) const {
    auto message = pool_->make(method.descriptor->input_type());
    if (auto parsed = wire::from_json(json, *message); !parsed) return parsed.error();
    return message->SerializeAsString();
}

wire::result<std::string> method_catalog::decode_request(const wire::method& method,
                                                         std::string_view body) const {
    return decode(method.descriptor->input_type(), body);
}

wire::result<std::string> method_catalog::decode_response(const wire::method& method,
                                                          std::string_view body) const {
    return decode(method.descriptor->output_type(), body);
}

wire::result<std::string> method_catalog::decode(const pb::Descriptor* type, std::string_view body) const {
    auto message = pool_->make(type);
    if (!message->ParseFromArray(body.data(), static_cast<int>(body.size())))
        return wire::make_error(wire::status::internal, "the body is not a " + type->name());
    return wire::to_json(*message);
}

} // namespace stadion::tools
