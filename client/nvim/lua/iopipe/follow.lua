-- Following a workspace: reloads buffers whose files change, and tells of what happens to sessions.
-- INVARIANT: a buffer with unsaved changes is never touched; it is named, and the next `:write` asks, as Neovim does.
local connection = require("iopipe.connection")
local M = {}

local RETRY_MS = 1000
local root, clock, on_event
local retrying = false

local function reload(buffer, path, is_known)
  local is_there = vim.loop.fs_stat(vim.api.nvim_buf_get_name(buffer)) ~= nil
  if vim.bo[buffer].modified or not is_there then
    if not is_known then return end
    local what = is_there and "changed" or "was deleted"
    return vim.notify(("iopipe: %s %s on disk; the buffer is kept."):format(path, what), vim.log.levels.WARN)
  end
  vim.bo[buffer].autoread = true
  vim.cmd("checktime " .. buffer)
end

-- Buffers of the files at these paths; of all below the root, in case they changed, where none are given.
local function reload_changed(paths)
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    local name = vim.api.nvim_buf_get_name(buffer)
    local is_file = name ~= "" and vim.bo[buffer].buftype == "" and vim.api.nvim_buf_is_loaded(buffer)
    local directory = is_file and vim.loop.fs_realpath(vim.fn.fnamemodify(name, ":h"))
    local file = directory and directory .. "/" .. vim.fn.fnamemodify(name, ":t")
    local path = file and vim.startswith(file, root .. "/") and file:sub(#root + 2)
    if path and (not paths or paths[path]) then reload(buffer, path, paths ~= nil) end
  end
end

local function subscribe()
  connection.call("watch/subscribe", { workspace = root, since = clock }, function(failure, result)
    -- Without data it is the connection's end, after which it is tried again.
    if failure then return failure.data and vim.notify("iopipe: " .. failure.message, vim.log.levels.WARN) end
    -- What changed while nobody told is found by looking.
    if result.fresh or not clock then reload_changed() end
    clock = result.clock
  end)
  connection.call("events/subscribe", { workspace = root }, function(failure) if not failure then on_event() end end)
end

connection.on("watch/changes", function(batch)
  clock = batch.clock
  local paths = {}
  for _, change in ipairs(batch.changes) do paths[change.path] = true end
  -- Fresh: what changed is not known one by one.
  reload_changed(not batch.fresh and paths or nil)
end)

connection.on("events/event", function() on_event() end)

-- A daemon that comes back goes on after the same clock: nothing is missed.
connection.on("ended", function()
  if retrying or not root then return end
  retrying = true
  vim.defer_fn(function()
    retrying = false
    subscribe()
  end, RETRY_MS)
end)

-- Follows the open workspace at `directory` until Neovim ends; `changed` is called when its sessions may have changed.
function M.start(directory, changed)
  if root == directory then return end
  root, clock, on_event = directory, nil, changed
  subscribe()
end

return M
