#include "tools/cat/cat.hpp"

#include "tools/cat/cat_session.hpp"
#include "tools/command/commands.hpp"

#include <memory>

namespace stadion::tools {

std::string to_text(const wire::error& failure) {
    auto text = std::string(wire::status_name(failure.code)) + ": " + failure.message;
    if (!failure.origin.empty()) text += " (" + failure.origin + ")";
    if (failure.outcome_unknown) text += "; it may have happened: the same key tells";
    if (failure.retry_after.count() != 0)
        text += "; try again in " + std::to_string(failure.retry_after.count()) + " ms";
    for (const auto& [key, value] : failure.details) text += "\n  " + key + ": " + value;
    return text;
}

int run_cat(const cat_options& wanted) {
    if (wanted.listen_port >= 0) return run_cat_listening(wanted);
    cat_session* current = nullptr;
    console terminal(
        {wanted.address + "> ", ".stadion_cat_history", [&](std::string_view before, std::string_view word) {
             return current == nullptr ? std::vector<std::string>() : current->complete(before, word);
         }});
    cat_session session(wanted, terminal);
    current = &session;
    if (auto opened = session.open(); !opened) {
        terminal.complain(to_text(opened.error()));
        return failed;
    }
    if (terminal.is_terminal())
        terminal.complain("connected to " + wanted.address + "; \\help shows what there is");
    bool all_done = true;
    while (!session.is_ended() && !terminal.was_terminated()) {
        const auto line = terminal.next_line();
        if (!line) break;
        all_done = session.run(*line) && all_done;
    }
    return all_done || terminal.is_terminal() ? done : failed;
}

void add_cat(command program) {
    const auto cat =
        program.subcommand("cat", "the debug client: reads lines `Method {json}`, prints the answers");
    const auto wanted = std::make_shared<cat_options>();
    const auto address = cat.option("address", wanted->address, "HOST:PORT of any server");
    cat.flag("--hex", wanted->hex, "show the bytes of every frame, both directions, on standard error");
    cat.flag("--time", wanted->time, "show the round-trip and server times on standard error");
    cat.setting("--budget-ms", wanted->budget_ms, "how long to wait for an answer").positive();
    cat.setting("--token", wanted->token, "the token that gives a role");
    const auto listen = cat.option("--listen", wanted->listen_port,
                                   "accept on this port (0: a free one) and show what clients send")
                            .range(0, 65535);
    address.excludes(listen);
    cat.runs([wanted] { return run_cat(*wanted); },
             [wanted] { return wanted->address.empty() && wanted->listen_port < 0 ? "HOST:PORT" : ""; });
}

} // namespace stadion::tools
