-- The commands. All else is loaded when one is used.
for name, action in pairs({ Iopipe = "open", IopipeWatch = "watch" }) do
  vim.api.nvim_create_user_command(name, function() require("iopipe")[action]() end, {})
end
